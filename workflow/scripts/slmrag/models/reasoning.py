"""Separates a model's reasoning from its answer, by the tags of model families.

After vLLM's reasoning parsers (``vllm/reasoning``, ``vllm/parser``, version 0.32) and model cards.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from slmrag.config.reasoning_tags import REASONING_TAGS, Tags
from slmrag.models.answer_labels import ANSWER_LABEL

FINISHED, UNFINISHED = "finished", "unfinished"


ALL_TAGS = tuple(tags for family in REASONING_TAGS.values() for tags in family)
ANSWER_WRAPPER = re.compile(
    r"\s*(?:<(?P<tag>answer|response|output)>(?P<a>.*?)(?:</(?P=tag)>|\Z)"
    r"|<\|START_RESPONSE\|>(?P<b>.*?)(?:<\|END_RESPONSE\|>|\Z))",
    re.DOTALL,
)
QUOTE_SIGNS = "`'\"“”‘’«»"

Choice = str | Mapping[str, str] | None
"""A model's key ``reasoning``: auto (None), none, a family, or tags {begin, end}."""


class ReasoningSplit(NamedTuple):
    """Where the answer begins in a text, and whether the reasoning before it is finished.

    ``reasoning`` is None without one. After an unfinished one there is no answer: ``start`` is the
    text's length.
    """

    start: int
    reasoning: str | None


def tags_of(choice: Choice) -> tuple[Tags, ...]:
    """Return the tags that a model's key ``reasoning`` allows."""
    if choice == "none":
        return ()
    if isinstance(choice, Mapping):
        return (Tags(tuple(filter(None, [choice.get("begin")])), (choice["end"],)),)
    return ALL_TAGS if choice in (None, "auto") else REASONING_TAGS[choice]


def split_reasoning(text: str, choice: Choice = None, prompt: str = "") -> ReasoningSplit:
    """Return where the answer begins, after a reasoning that the text or the prompt has begun.

    With ``auto`` a tag inside an answer is a part of it; if a family or tags are named, the first
    end tag ends the reasoning, wherever it is.
    """
    known, named = tags_of(choice), choice not in (None, "auto")
    opened = known[0] if _starts_inside(choice) else open_reasoning(prompt, known)
    at, state = 0, None
    while begun := _reasoning_start(text, at, known, named) or (opened and (at, opened)):
        end = _first_match(text, begun[1].end, begun[0])
        if end is None:
            return ReasoningSplit(len(text), UNFINISHED)
        at, opened, state = end.end(), None, FINISHED
    if state is None and (end := _unopened_end(text, known, named)):
        at, state = end.end(), FINISHED
    return ReasoningSplit(len(text) - len(text[at:].lstrip()) if state else 0, state)


def _starts_inside(choice: Choice) -> bool:
    """Tell whether every completion starts inside the reasoning: tags without ``begin``."""
    return isinstance(choice, Mapping) and not choice.get("begin")


def open_reasoning(prompt: str, known: Sequence[Tags] = ALL_TAGS) -> Tags | None:
    """Return the tags of the reasoning that is open at a prompt's end, or None."""
    tail = prompt.rstrip()
    if not tail.endswith(_begin_tags(tuple(known))):
        return None
    return next(
        (tags for tags in known if not tags.plain_words and tail.endswith(tags.begin)), None
    )


def ends_reasoning(prompt: str) -> bool:
    """Tell whether a prompt ends with the end of a reasoning, so that only an answer follows."""
    return prompt.rstrip().endswith(
        tuple(end for tags in ALL_TAGS if tags.unambiguous for end in tags.end)
    )


def unwrap_answer(answer: str) -> str:
    """Return the text inside ``<answer>…</answer>`` or its like, if an answer begins so."""
    found = ANSWER_WRAPPER.match(answer)
    return answer if found is None else found["b"] if found["a"] is None else found["a"]


def has_reasoning_tag(text: str) -> bool:
    """Tell whether a text has an unambiguous tag."""
    return any(
        one in text for tags in ALL_TAGS if tags.unambiguous for one in (*tags.begin, *tags.end)
    )


def tag_tokens(specials: Sequence[str]) -> list[str]:
    """Return the special tokens of a tokenizer that are tags or parts of tags."""
    known = [one for tags in ALL_TAGS if tags.unambiguous for one in (*tags.begin, *tags.end)]
    return sorted(t for t in set(specials) if len(t) > 2 and any(t in one for one in known))


def _reasoning_start(
    text: str, at: int, known: Sequence[Tags], named: bool
) -> tuple[int, Tags] | None:
    """Return where a reasoning's text begins, and its tags, if there is a tag at ``at``."""
    rest = ANSWER_LABEL.sub("", text[at:], count=1).lstrip()
    if not rest.startswith(_begin_tags(tuple(known))):
        return None
    place = len(text) - len(rest)
    for tags in known:
        begin = next((one for one in tags.begin if rest.startswith(one)), None)
        if begin is None:
            continue
        after = place + len(begin)
        if (
            named
            or not tags.plain_words
            or text[after : after + 1].isupper()
            or _first_match(text, tags.end, at)
        ):
            return after, tags
    return None


def _unopened_end(text: str, known: Sequence[Tags], named: bool) -> re.Match[str] | None:
    """Return the first end tag of a reasoning that does not begin in the text."""
    end = _first_match(text, _end_tags(tuple(known), named), 0)
    if end is None or named:
        return end
    begun = any(
        one in text[: end.start()] for tags in known if tags.unambiguous for one in tags.begin
    )
    return None if begun or _is_mentioned(text, *end.span()) else end


def _first_match(text: str, tags: Sequence[str], at: int) -> re.Match[str] | None:
    return _pattern(tuple(tags)).search(text, at) if tags else None


@cache
def _pattern(tags: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, tags)))


@cache
def _begin_tags(known: tuple[Tags, ...]) -> tuple[str, ...]:
    return tuple(one for tags in known for one in tags.begin)


@cache
def _end_tags(known: tuple[Tags, ...], named: bool) -> tuple[str, ...]:
    return tuple(one for tags in known if named or tags.unambiguous for one in tags.end)


def _is_mentioned(text: str, start: int, end: int) -> bool:
    """Tell whether a tag is only mentioned: in quotes, or as a word inside a sentence."""
    before = text[:start].rstrip(" \t")
    within = len(before) < start and before[-1:].isalnum()
    return (
        within
        or (start > 0 and text[start - 1] in QUOTE_SIGNS)
        or text[end : end + 1] in [*QUOTE_SIGNS]
    )
