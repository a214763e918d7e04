"""Normal form of ids of questions and passages, for all joins.

White space at the ends is stripped and the text put into NFC (names of files on macOS are in NFD);
numbers are written as by ``fields.as_text``.
"""

import unicodedata
from typing import Any

import polars as pl

from slmrag.data.reading.fields import as_text

WHITE_SPACE = "".join(filter(str.isspace, map(chr, range(0x3001))))
"""White space as in Python's str.isspace."""


def normalize_id(value: Any) -> str:
    """Return an id in normal form; an empty text for None."""
    return unicodedata.normalize("NFC", as_text(value)).strip(WHITE_SPACE)


def normalize_ids(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table of passages with their ids in normal form."""
    if not table["id"].str.contains(r"^\s|\s$|[^\x20-\x7e]").any():
        return table
    return table.with_columns(pl.col("id").str.normalize("NFC").str.strip_chars(WHITE_SPACE))
