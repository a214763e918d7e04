"""Columns as what their writer meant: whole numbers whole, no digit more, bytes that are text."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from slmrag.data.reading.fields import as_text

AS_TEXT = {pl.Float32: pl.String(), pl.Binary: pl.String()}
EXACT = {pl.Float32: pl.Float64(), pl.Binary: pl.String()}


def written(name: str, kind: pl.DataType) -> pl.Expr:
    """Return a column as text; what pandas made a float of an integer is one again."""
    if kind.is_float() or kind.is_decimal():
        return pl.col(name).map_elements(as_text, return_dtype=pl.String)
    return pl.col(name).cast(pl.String)


def exact(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table whose short floats are long ones of the same digits: 0.1, not 0.1000000015.

    Bytes in it become text, at any depth as the floats do; PolarsError where they are not UTF-8.
    """
    kinds = {name: _swapped(kind, AS_TEXT) for name, kind in table.schema.items()}
    odd = [name for name, kind in table.schema.items() if kinds[name] != kind]
    exact = {name: _swapped(table.schema[name], EXACT) for name in odd}
    return table.cast({name: kinds[name] for name in odd}).cast(exact) if odd else table


def _swapped(kind: pl.DataType, others: Mapping[Any, Any]) -> pl.DataType:
    """Return a type with others in it."""
    if isinstance(kind, pl.List):
        return pl.List(_swapped(kind.inner, others))
    if isinstance(kind, pl.Array):
        return pl.Array(_swapped(kind.inner, others), kind.size)
    if isinstance(kind, pl.Struct):
        return pl.Struct({one.name: _swapped(one.dtype, others) for one in kind.fields})
    return others.get(kind, kind)
