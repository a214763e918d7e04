"""Rows of Parquet files, with their numbers."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from polars.datatypes import DataTypeClass

from slmrag.data.reading.fields import as_text
from slmrag.data.schemas import TABLE_ROWS
from slmrag.errors import UserError

TYPES_AS_TEXT = {pl.Float32: pl.String(), pl.Binary: pl.String()}
EXACT_TYPES = {pl.Float32: pl.Float64(), pl.Binary: pl.String()}


def column_as_text(name: str, kind: pl.DataType) -> pl.Expr:
    """Return a column as text; whole floats, as pandas writes integers, have no point."""
    if kind.is_float() or kind.is_decimal():
        return pl.col(name).map_elements(as_text, return_dtype=pl.String)
    return pl.col(name).cast(pl.String)


Kind = pl.DataType | DataTypeClass


def exact_floats(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with 32-bit floats as 64-bit ones of the same digits: 0.1, not 0.1000000015.

    Bytes become text. Both also inside lists and structs; PolarsError if bytes are not UTF-8.
    """
    kinds = {name: _replace_types(kind, TYPES_AS_TEXT) for name, kind in table.schema.items()}
    odd = [name for name, kind in table.schema.items() if kinds[name] != kind]
    exact: dict[Any, Kind] = {name: _replace_types(table.schema[name], EXACT_TYPES) for name in odd}
    read: dict[Any, Kind] = {name: kinds[name] for name in odd}
    return table.cast(read).cast(exact) if odd else table


def _replace_types(kind: Kind, others: Mapping[Any, Any]) -> Kind:
    """Return a type with the inner types replaced."""
    if isinstance(kind, pl.List):
        return pl.List(_replace_types(kind.inner, others))
    if isinstance(kind, pl.Array):
        return pl.Array(_replace_types(kind.inner, others), kind.size)
    if isinstance(kind, pl.Struct):
        return pl.Struct({one.name: _replace_types(one.dtype, others) for one in kind.fields})
    return others.get(kind, kind)


LINE_COLUMN = "number of the row"
"""A column that no file is likely to have."""
WithLine = tuple[int, dict[str, Any]]


def schema_of(path: Path) -> pl.Schema:
    """Return the columns' types; UserError if the file is no Parquet."""
    try:
        return pl.Schema(pl.read_parquet_schema(path))
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{path}: not a Parquet file; check the object and its format") from error


def tables_of(path: Path, names: list[str]) -> Iterator[pl.DataFrame]:
    """Yield tables of some columns, and of the rows' numbers, from 1, in ``LINE_COLUMN``."""
    scan = pl.scan_parquet(path, low_memory=True).select(names)
    first = 1
    for table in scan.collect_batches(chunk_size=TABLE_ROWS, maintain_order=True):
        lines = pl.int_range(first, first + table.height, dtype=pl.UInt32, eager=True)
        try:
            table = exact_floats(table)
        except pl.exceptions.PolarsError as error:
            raise UserError(f"{path}: a column is not in UTF-8; convert it") from error
        yield table.with_columns(lines.alias(LINE_COLUMN))
        first += table.height


def records_of(path: Path, names: Iterable[str] | None = None) -> Iterator[WithLine]:
    """Yield (row's number, row) with the columns of some names, which may be dotted."""
    schema = schema_of(path)
    wanted = schema if names is None else names
    columns = dict.fromkeys(name if name in schema else name.partition(".")[0] for name in wanted)
    for table in tables_of(path, list(columns) or list(schema)):
        for row in table.iter_rows(named=True):
            yield row.pop(LINE_COLUMN), row
