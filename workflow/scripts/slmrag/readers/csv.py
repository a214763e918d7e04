"""Any CSV or, by its file's name, TSV: the entry's ``columns`` say what its columns are called."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.readers.delimited import rows_of, tables_of
from slmrag.readers.mapped import OURS, question_of
from slmrag.readers.shapes import Question


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield the passages in tables."""
    names = {name: columns.get(name, name) for name in OURS}
    return tables_of(path, separator_of(path), names, optional=("title",))


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; several answers stand in a JSON list, or are one text."""
    for line, row in rows_of(path, separator_of(path)):
        yield question_of(row, columns, path, line)


def separator_of(path: Path) -> str:
    """Return the tab for ``x.tsv`` and ``x.tsv.gz``, otherwise the comma."""
    return "\t" if ".tsv" in path.suffixes else ","
