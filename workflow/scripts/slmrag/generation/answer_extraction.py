"""Takes the answer that is scored out of what a model wrote."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from slmrag.models.answer_labels import ANSWER_LABEL, ANSWER_WORDS, COLON, COLONS, QUESTION_WORDS
from slmrag.models.reasoning import Choice, split_reasoning, unwrap_answer

RUN_ON_PATTERN = re.compile(
    r"\n\s*(?:Question|Q|Context|Passage(?: \d+)?|Human|User|Assistant"
    rf"|{ANSWER_WORDS}|{QUESTION_WORDS})\s*{COLON}"
    r"|<\|im_(?:end|start)\|>|<end_of_turn>|</s>|<eos>|<\|endoftext\|>|<\|return\|>",
    re.IGNORECASE,
)


class ExtractedAnswer(NamedTuple):
    """What a model wrote, its answer, how its reasoning ended, and whether a stop string cut it.

    ``reasoning`` is None where there was none, else finished or unfinished.
    """

    raw: str
    answer: str
    reasoning: str | None
    stopped: bool


class AnswerExtractor(NamedTuple):
    """Extracts answers by the model's key ``reasoning``; its stop strings count after reasoning."""

    reasoning: Choice = None
    stop: tuple[str, ...] = ()

    def extract(self, text: str, prompt: str = "") -> ExtractedAnswer:
        """Return the answer of a completion, cut at the first stop string after its reasoning."""
        start, how = split_reasoning(text, self.reasoning, prompt)
        cut, stopped = cut_at_stop(text, self.stop, start)
        answer = cut[start:] if self.reasoning == "none" else unwrap_answer(cut[start:])
        return ExtractedAnswer(cut, first_line_with_words(answer), how, stopped)


def extract_answer(text: str, prompt: str = "") -> str:
    """Return the first line with an answer: no reasoning, no label, no run-on after it."""
    return AnswerExtractor().extract(text, prompt).answer


def first_line_with_words(text: str) -> str:
    """Return the first line with text, without a label before it or a run-on after it.

    A first line that ends in a colon only announces the answer, so the next line joins it.
    """
    text = ANSWER_LABEL.sub("", text, count=1)
    lines = [line.strip() for line in RUN_ON_PATTERN.split(text, maxsplit=1)[0].splitlines()]
    lines = [line for line in lines if line]
    answer = lines[0] if lines else ""
    return f"{answer} {lines[1]}" if answer.endswith(tuple(COLONS)) and len(lines) > 1 else answer


def cut_at_stop(text: str, stop: Sequence[str], start: int = 0) -> tuple[str, bool]:
    """Return a text up to its first stop string from ``start`` on, and whether it has one."""
    places = [place for place in (text.find(one, start) for one in stop) if place >= 0]
    return (text[: min(places)], True) if places else (text, False)
