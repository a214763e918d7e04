"""Columns of numbers as what their writer meant: whole where they are whole, and no digit more."""

import polars as pl

from slmrag.readers.fields import as_text

SHORT, LONG = pl.Float32, pl.Float64


def written(name: str, kind: pl.DataType) -> pl.Expr:
    """Return a column as text; what pandas made a float of an integer is one again."""
    if kind.is_float() or kind.is_decimal():
        return pl.col(name).map_elements(as_text, return_dtype=pl.String)
    return pl.col(name).cast(pl.String)


def exact(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table whose short floats are long ones of the same digits: 0.1, not 0.1000000015."""
    return table.with_columns(
        pl.col(SHORT).cast(pl.String).cast(LONG),
        pl.col(pl.List(SHORT)).cast(pl.List(pl.String)).cast(pl.List(LONG)),
    )
