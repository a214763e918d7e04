"""Rows of Parquet files, with their numbers."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.data.reading.numbers import exact
from slmrag.data.schemas import ROWS
from slmrag.errors import UserError

LINE = "number of the row"
"""A column that no file is likely to have."""
Placed = tuple[int, dict[str, Any]]


def schema_of(path: Path) -> pl.Schema:
    """Return the columns' types; UserError where the file is no Parquet."""
    try:
        return pl.read_parquet_schema(path)
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{path}: not a Parquet file; check the object and its format") from error


def tables_of(path: Path, names: list[str]) -> Iterator[pl.DataFrame]:
    """Yield tables of some columns, and of the rows' numbers, from 1, in ``LINE``."""
    scan = pl.scan_parquet(path, low_memory=True).select(names)
    first = 1
    for table in scan.collect_batches(chunk_size=ROWS, maintain_order=True):
        lines = pl.int_range(first, first + table.height, dtype=pl.UInt32, eager=True)
        try:
            table = exact(table)
        except pl.exceptions.PolarsError as error:
            raise UserError(f"{path}: a column holds what is not UTF-8; convert it") from error
        yield table.with_columns(lines.alias(LINE))
        first += table.height


def records_of(path: Path, names: Iterable[str] | None = None) -> Iterator[Placed]:
    """Yield (row's number, row) with the columns that hold what is named, dotted names inside."""
    schema = schema_of(path)
    wanted = schema if names is None else names
    columns = dict.fromkeys(name if name in schema else name.partition(".")[0] for name in wanted)
    for table in tables_of(path, list(columns) or list(schema)):
        for row in table.iter_rows(named=True):
            yield row.pop(LINE), row
