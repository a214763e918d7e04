"""DPR's passages: ``psgs_w100.tsv`` with the columns id, text and title."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.readers.delimited import tables_of

COLUMNS = {"id": "id", "title": "title", "text": "text"}


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield the passages in tables."""
    return tables_of(path, "\t", COLUMNS)
