"""Names of questions and passages, written alike wherever they are joined.

What a file says is stripped of white space at its ends and put into NFC (macOS has NFD in the names
of files); numbers are written as ``fields.as_text`` writes them.
"""

import unicodedata
from typing import Any

import polars as pl

from slmrag.data.reading.fields import as_text

WHITE_SPACE = "".join(filter(str.isspace, map(chr, range(0x3001))))
"""What Python takes for white space."""


def normalize_id(value: Any) -> str:
    """Return an id as it is compared; nothing for none."""
    return unicodedata.normalize("NFC", as_text(value)).strip(WHITE_SPACE)


def normalize_ids(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table of passages whose ids are written as ``normalize_id`` writes them."""
    if not table["id"].str.contains(r"^\s|\s$|[^\x20-\x7e]").any():
        return table
    return table.with_columns(pl.col("id").str.normalize("NFC").str.strip_chars(WHITE_SPACE))
