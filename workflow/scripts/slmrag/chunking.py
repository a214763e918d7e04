"""Documents into passages, by words or by sentences, with overlap.

Where a script has no spaces between words, each letter counts as a word.
"""

from collections.abc import Callable, Iterator

import polars as pl
import regex

from slmrag.languages import UNSPACED, primary
from slmrag.readers.shapes import PLACED
from slmrag.sentences import units as sentence_units
from slmrag.writing import CLUSTER, LETTER, mostly_unspaced, unspaced

LONG = 30
"""Letters without a space between them that are no name in a text of another script."""

Units = Callable[[str, str | None], tuple[list[str], str]]
"""Takes a text and its language; returns what is counted and what stands between two of them."""

_LETTERS = regex.compile(
    rf"[\p{{Ps}}\p{{Pi}}]*{CLUSTER}[\p{{Pe}}\p{{Pf}}\p{{Po}}]*"
    rf"|(?:(?![\p{{Ps}}\p{{Pi}}]*{LETTER}).)+",
    regex.V1,
)


def word_units(text: str, language: str | None = None) -> tuple[list[str], str]:
    """Return the pieces between white space; of scripts without spaces, the letters of a piece.

    In a text that is mostly of another script only pieces of over ``LONG`` signs are taken apart.
    Where letters are, a piece has the space before it that was there.
    """
    pieces = text.split()
    if not unspaced(text):
        return pieces, " "
    least = 0 if primary(language) in UNSPACED or mostly_unspaced(text) else LONG
    apart = (_letters(piece) if len(piece) > least else [f" {piece}"] for piece in pieces)
    return [unit for units in apart for unit in units], ""


def _letters(piece: str) -> list[str]:
    first, *rest = _LETTERS.findall(piece)
    return [f" {first}", *rest]


UNITS: dict[str, Units] = {"words": word_units, "sentences": sentence_units}


def chunks(
    text: str, by: str, size: int, overlap: int, language: str | None = None
) -> Iterator[str]:
    """Yield pieces of ``size`` units, each beginning with the last ``overlap`` of the one before.

    The last piece may be shorter, but never holds overlap alone.
    """
    units, between = UNITS[by](text, language)
    step = size - overlap
    for start in range(0, max(len(units) - overlap, 1), step):
        if units:
            yield between.join(units[start : start + size]).removeprefix(" ")


def cut(
    documents: pl.DataFrame,
    by: str = "words",
    size: int = 100,
    overlap: int = 0,
    language: str | None = None,
) -> pl.DataFrame:
    """Return a table of passages; the n-th of document d is called d#n, from 0."""
    rows = [
        (f"{id}#{number}", title, text, line)
        for id, title, whole, line in documents.iter_rows()
        for number, text in enumerate(chunks(whole, by, size, overlap, language))
    ]
    return pl.DataFrame(rows, schema=PLACED, orient="row")
