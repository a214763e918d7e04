"""Documents into passages, by words or by sentences, with overlap."""

import re
from collections.abc import Iterator

import polars as pl

from slmrag.readers.shapes import PLACED

SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])|\n{2,}")
"""White space after a full stop and before a capital or a digit, or an empty line."""


def words(text: str) -> list[str]:
    """Return the pieces between white space."""
    return text.split()


def sentences(text: str) -> list[str]:
    """Return the sentences, by punctuation alone: "Dr. Who" counts as two."""
    pieces = (" ".join(piece.split()) for piece in SENTENCE_END.split(text))
    return [piece for piece in pieces if piece]


UNITS = {"words": words, "sentences": sentences}


def chunks(text: str, by: str, size: int, overlap: int) -> Iterator[str]:
    """Yield pieces of ``size`` units, each beginning with the last ``overlap`` of the one before.

    The last piece may be shorter, but never holds overlap alone.
    """
    units = UNITS[by](text)
    step = size - overlap
    for start in range(0, max(len(units) - overlap, 1), step):
        if units:
            yield " ".join(units[start : start + size])


def cut(
    documents: pl.DataFrame, by: str = "words", size: int = 100, overlap: int = 0
) -> pl.DataFrame:
    """Return a table of passages; the n-th of document d is called d#n, from 0."""
    rows = [
        (f"{id}#{number}", title, text, line)
        for id, title, whole, line in documents.iter_rows()
        for number, text in enumerate(chunks(whole, by, size, overlap))
    ]
    return pl.DataFrame(rows, schema=PLACED, orient="row")
