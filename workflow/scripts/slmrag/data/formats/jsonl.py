"""Any JSONL; the entry's ``columns`` maps its keys."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.data.reading.column_mapping import question_of, row_of
from slmrag.data.reading.json_records import json_lines
from slmrag.data.schemas import Question, to_tables


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield the passages in tables; a missing title is empty."""
    return to_tables(row_of(record, columns, path, line) for line, record in json_lines(path))


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; answers are a list or one text, gold a list of ids or of passages."""
    for line, record in json_lines(path):
        yield question_of(record, columns, path, line)
