"""BEIR's ``corpus.jsonl``: ``_id``, ``title`` and ``text``."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.data.formats import jsonl

COLUMNS = {"id": "_id"}


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield the passages in tables."""
    return jsonl.passages(path, COLUMNS)
