"""DPR's passages: ``psgs_w100.tsv`` with the columns id, text and title."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.data.reading.delimited import tables_of
from slmrag.data.reading.dialect import dialect_of_keys

COLUMNS = {"id": "id", "title": "title", "text": "text"}


def passages(path: Path, columns: Mapping[str, str], **keys: Any) -> Iterator[pl.DataFrame]:
    """Yield the passages in tables."""
    return tables_of(path, dialect_of_keys("\t", **keys), COLUMNS)
