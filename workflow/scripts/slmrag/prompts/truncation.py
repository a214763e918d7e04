"""Cuts prompts that do not fit the model: passages from the end, then words of the last one."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from slmrag.data.word_units import join_units, word_units
from slmrag.errors import UserError
from slmrag.prompts.template import Passage

if TYPE_CHECKING:
    import polars as pl

MakePrompt = Callable[[str, Sequence[Passage]], str]
"""A function that renders a question and its passages."""

TRUNCATION_COLUMNS = ("passages", "passages_dropped", "words_cut")
"""The columns of answers and scores with what was cut, named as the fields of ``Prompt``."""


class Prompt(NamedTuple):
    """A rendered prompt, the passages in it, and what was cut to make it fit.

    ``whole`` is the digest of the uncut prompt, None where nothing was cut.
    """

    text: str
    passages: int
    passages_dropped: int = 0
    words_cut: int = 0
    whole: str | None = None


def truncate(
    make: MakePrompt,
    question: str,
    passages: Sequence[Passage],
    fits: Callable[[str], bool],
) -> Prompt:
    """Make the fullest prompt that fits: cut passages from the end, then words of the last one.

    If even the question alone is too long, its words are cut; UserError if nothing fits.
    """
    text = make(question, passages)
    if fits(text):
        return Prompt(text, len(passages))
    for kept in range(len(passages) - 1, 0, -1):
        text = make(question, passages[:kept])
        if fits(text):
            return Prompt(text, kept, len(passages) - kept)
    prompt = _truncate_words(make, question, passages[:1], fits)
    return prompt._replace(passages_dropped=len(passages) - prompt.passages)


def _truncate_words(
    make: MakePrompt,
    question: str,
    passages: Sequence[Passage],
    fits: Callable[[str], bool],
) -> Prompt:
    """Cut words from the end of the one passage left, and only then of the question."""
    passage_words = count_words(passages)

    def shortened(cut: int) -> str:
        return _make_without_words(make, question, passages, passage_words, cut)

    low, high = 0, passage_words + len(word_units(question)[0])
    if not fits(shortened(high)):
        raise UserError(
            "max_tokens leaves no room for a prompt in max_model_len; lower max_tokens or raise "
            "max_model_len of the model"
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(shortened(middle)) else (middle, high)
    if high < passage_words:
        return Prompt(shortened(high), 1, words_cut=high)
    return Prompt(shortened(high), 0, words_cut=high - passage_words)


def count_words(passages: Sequence[Passage]) -> int:
    """Return the number of words of the first passage, 0 where there is none.

    In scripts without spaces each letter counts as one, as where documents are cut.
    """
    return len(word_units(passages[0]["text"])[0]) if passages else 0


def _make_without_words(
    make: MakePrompt, question: str, passages: Sequence[Passage], passage_words: int, cut: int
) -> str:
    """Make a prompt without the last ``cut`` words of the one passage and the question."""
    kept = without_words(passages[0]["text"], cut) if cut < passage_words else ""
    question = without_words(question, cut - passage_words)
    return make(question, [{**passages[0], "text": kept}] if kept else [])


def without_words(text: str, cut: int) -> str:
    """Return a text without its last ``cut`` words; unchanged if ``cut`` is not positive."""
    if cut <= 0:
        return text
    units, between = word_units(text)
    return join_units(units[: max(0, len(units) - cut)], between)


def remaining_context(
    question: str, passages: Sequence[Passage], kept: int, words_cut: int
) -> tuple[str, list[Passage]]:
    """Return the question and passages that are left in a prompt that ``truncate`` made."""
    if not kept:
        return without_words(question, words_cut), []
    (first, *rest) = passages[:kept]
    return question, [{**first, "text": without_words(first["text"], words_cut)}, *rest]


def truncate_as_before(
    make: MakePrompt, question: str, passages: Sequence[Passage], kept: int, words_cut: int
) -> Prompt:
    """Make the prompt that ``truncate`` made before, by the numbers of the journal."""
    dropped = len(passages) - kept
    if kept and not words_cut:
        return Prompt(make(question, passages[:kept]), kept, dropped)
    passage_words = count_words(passages)
    cut = words_cut if kept else words_cut + passage_words
    return Prompt(
        _make_without_words(make, question, passages[:1], passage_words, cut),
        kept,
        dropped,
        words_cut,
    )


def is_cut() -> "pl.Expr":
    """Return whether passages or words of a prompt were cut to fit the model."""
    import polars as pl

    return (pl.col("passages_dropped") > 0) | (pl.col("words_cut") > 0)


def question_is_cut() -> "pl.Expr":
    """Return whether words of the question itself were cut; then no passage is left."""
    import polars as pl

    return (pl.col("passages") == 0) & (pl.col("words_cut") > 0)
