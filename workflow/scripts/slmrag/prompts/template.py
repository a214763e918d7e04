"""Prompts: a Jinja template, a question and its passages in; a text that fits the model out."""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from slmrag.data.word_units import joined, word_units
from slmrag.errors import UserError

if TYPE_CHECKING:
    from jinja2 import Template

Passage = dict[str, str]
Make = Callable[[str, Sequence[Passage]], str]
EXAMPLE: list[Passage] = [{"id": "0", "title": "title", "text": "text"}]


class Prompt(NamedTuple):
    """A rendered prompt, the passages it holds, and what had to go to make it fit.

    ``whole`` is what a prompt that was cut is known by before it is.
    """

    text: str
    passages: int
    passages_dropped: int = 0
    words_cut: int = 0
    whole: str | None = None


def prompt_digest(text: str) -> str:
    """Return the digest that a rendered prompt is known by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=64)
def compiled(template: str) -> "Template":
    """Compile a prompt template in Jinja's sandbox; what a data set says is never a template."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made = environment.from_string(template)
    made.globals = dict(made.globals)  # Jinja copies them for each prompt, a ChainMap slowly
    return made


def checked(template: str, name: str) -> str:
    """Return the template, or say in one sentence what is wrong with the file ``name``."""
    from jinja2 import TemplateError, TemplateSyntaxError

    try:
        for passages in ([], EXAMPLE):
            if "Who wrote it?" not in render(template, "Who wrote it?", passages):
                raise UserError(f"{name}: the prompt lacks {{{{ question }}}}; put it in")
    except TemplateSyntaxError as error:
        raise UserError(f"{name}, line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise UserError(
            f"{name}: {error.message}; a prompt knows question and passages (id, title, text)"
        ) from error
    return template


def render(template: str, question: str, passages: Sequence[Passage]) -> str:
    """Render a prompt; templates see ``question`` and ``passages`` (each id, title, text)."""
    return compiled(template).render(question=question, passages=passages)


def fit(
    make: Make,
    question: str,
    passages: Sequence[Passage],
    fits: Callable[[str], bool],
) -> Prompt:
    """Make the fullest prompt that fits: passages go from the end, then words of the last one.

    UserError where even a prompt without context is too long: then words of the question must go.
    """
    text = make(question, passages)
    if fits(text):
        return Prompt(text, len(passages))
    for kept in range(len(passages) - 1, 0, -1):
        text = make(question, passages[:kept])
        if fits(text):
            return Prompt(text, kept, len(passages) - kept)
    prompt = _cut(make, question, passages[:1], fits)
    return prompt._replace(passages_dropped=len(passages) - prompt.passages)


def _cut(
    make: Make,
    question: str,
    passages: Sequence[Passage],
    fits: Callable[[str], bool],
) -> Prompt:
    """Cut words from the end: of the one passage left, and only then of the question."""
    told = words(passages)

    def shortened(cut: int) -> str:
        return _without(make, question, passages, told, cut)

    low, high = 0, told + len(word_units(question)[0])
    if not fits(shortened(high)):
        raise UserError(
            "max_tokens leaves no room for a prompt in max_model_len; lower max_tokens or raise "
            "max_model_len of the model"
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(shortened(middle)) else (middle, high)
    if high < told:
        return Prompt(shortened(high), 1, words_cut=high)
    return Prompt(shortened(high), 0, words_cut=high - told)


def words(passages: Sequence[Passage]) -> int:
    """Return how many words the first passage has, 0 where there is none.

    In scripts without spaces each letter counts as one, as where documents are cut.
    """
    return len(word_units(passages[0]["text"])[0]) if passages else 0


def _without(make: Make, question: str, passages: Sequence[Passage], told: int, cut: int) -> str:
    """Make a prompt without the last ``cut`` words of the one passage and the question."""
    kept = without_words(passages[0]["text"], cut) if cut < told else ""
    question = without_words(question, cut - told)
    return make(question, [{**passages[0], "text": kept}] if kept else [])


def without_words(text: str, cut: int) -> str:
    """Return a text without its last ``cut`` words, as it is where that is none."""
    if cut <= 0:
        return text
    units, between = word_units(text)
    return joined(units[: max(0, len(units) - cut)], between)


def remains(
    question: str, passages: Sequence[Passage], kept: int, words_cut: int
) -> tuple[str, list[Passage]]:
    """Return the question and the passages that a prompt holds, by what ``fit`` said of it."""
    if not kept:
        return without_words(question, words_cut), []
    (first, *rest) = passages[:kept]
    return question, [{**first, "text": without_words(first["text"], words_cut)}, *rest]


def cut_again(
    make: Make, question: str, passages: Sequence[Passage], kept: int, words_cut: int
) -> Prompt:
    """Make anew the prompt that ``fit`` once made: ``kept`` passages, less ``words_cut`` words."""
    dropped = len(passages) - kept
    if kept and not words_cut:
        return Prompt(make(question, passages[:kept]), kept, dropped)
    told = words(passages)
    cut = words_cut if kept else words_cut + told
    return Prompt(_without(make, question, passages[:1], told, cut), kept, dropped, words_cut)
