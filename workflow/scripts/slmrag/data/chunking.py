"""Documents into passages, by words or by sentences, with overlap.

In scripts without spaces between words, each letter counts as a word.
"""

from collections.abc import Callable, Iterator

import polars as pl

from slmrag.data.schemas import PASSAGES_WITH_LINE
from slmrag.data.sentences import sentence_units as sentence_units
from slmrag.data.word_units import join_units, word_units

Units = Callable[[str, str | None], tuple[list[str], str]]
"""Takes a text and its language; returns its units and the text between two units."""

UNITS: dict[str, Units] = {"words": word_units, "sentences": sentence_units}


def chunks(
    text: str, by: str, size: int, overlap: int, language: str | None = None
) -> Iterator[str]:
    """Yield chunks of ``size`` units; each begins with the last ``overlap`` of the one before.

    The last chunk may be shorter, but it never consists of overlap alone.
    """
    units, between = UNITS[by](text, language)
    step = size - overlap
    for start in range(0, max(len(units) - overlap, 1), step):
        if units:
            yield join_units(units[start : start + size], between)


def cut_documents(
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
    return pl.DataFrame(rows, schema=PASSAGES_WITH_LINE, orient="row")
