"""Any Parquet: the entry's ``columns`` say what its columns are called."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.errors import UserError, nearest
from slmrag.readers.mapped import OURS, question_of
from slmrag.readers.numbers import exact, written
from slmrag.readers.shapes import PLACED, ROWS, Question


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield the passages in tables; ``line`` is the row's number, from 1."""
    schema = _schema(path)
    names = {name: columns.get(name, name) for name in OURS}
    if "title" not in columns and "title" not in schema:
        names.pop("title")
    _refuse_missing(names.values(), schema, path)
    ours = [
        written(names[name], schema[names[name]]).alias(name)
        if name in names
        else pl.lit("").alias(name)
        for name in OURS
    ]
    for table in _batches(path, list(names.values())):
        yield table.select(*ours, "line").cast(dict(PLACED))


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; ``line`` is the row's number, from 1."""
    for table in _batches(path, None):
        for row in table.iter_rows(named=True):
            yield question_of(row, columns, path, row["line"])


def _schema(path: Path) -> pl.Schema:
    try:
        return pl.read_parquet_schema(path)
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{path}: not a Parquet file; check the object and its format") from error


def _refuse_missing(names: "Iterator[str] | object", schema: pl.Schema, path: Path) -> None:
    for name in names:  # type: ignore[attr-defined]
        if name not in schema:
            hint = nearest(name, schema) or f"; it has {', '.join(schema)}"
            raise UserError(f"{path}: no column '{name}'{hint}")


def _batches(path: Path, names: list[str] | None) -> Iterator[pl.DataFrame]:
    schema = _schema(path)
    scan = pl.scan_parquet(path, low_memory=True).select(names or list(schema))
    first = 1
    for table in scan.collect_batches(chunk_size=ROWS, maintain_order=True):
        lines = pl.int_range(first, first + table.height, dtype=pl.UInt32, eager=True)
        yield exact(table).with_columns(lines.alias("line"))
        first += table.height
