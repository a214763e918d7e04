"""The types of Parquet columns: does a column exist, and does its type fit?"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
from polars.datatypes import DataTypeClass

from slmrag.errors import UserError, nearest

TEXT_TYPES = (pl.String, pl.Categorical, pl.Enum, pl.Binary)
LIST_TYPES = (pl.List, pl.Array)
Kind = pl.DataType | DataTypeClass
Schema = Mapping[str, Kind]


def kind_of(name: str, schema: Schema, path: Path) -> Kind:
    """Return the type of a column, or of a dotted name in one; UserError if it does not exist."""
    if name in schema:
        return schema[name]
    first, *rest = name.split(".")
    kind = _kind_below(schema[first], rest) if first in schema and rest else None
    if kind is None:
        names = list(column_names(schema))
        hint = nearest(name, names) or f"; it has {', '.join(names)}"
        raise UserError(f"{path}: no column '{name}'{hint}")
    return kind


def _kind_below(kind: Kind, names: Sequence[str]) -> Kind | None:
    """Return the type of a dotted name inside a column of structs, or of lists of structs."""
    if not names:
        return kind
    if isinstance(kind, LIST_TYPES):
        inner = _kind_below(kind.inner, names)
        return inner if inner is None or isinstance(inner, LIST_TYPES) else pl.List(inner)
    fields = _fields(kind)
    return _kind_below(fields[names[0]], names[1:]) if names[0] in fields else None


def _fields(kind: Kind) -> dict[str, Kind]:
    if not isinstance(kind, pl.Struct):
        return {}
    return {field.name: field.dtype for field in kind.fields}


def column_names(schema: Schema) -> Iterator[str]:
    """Yield the columns' names; fields of structs are dotted names."""
    for name, kind in schema.items():
        inner = _fields(kind.inner if isinstance(kind, LIST_TYPES) else kind)
        yield from [f"{name}.{one}" for one in inner] or [name]


def refuse_kind(ours: str, name: str, kind: Kind, path: Path) -> None:
    """Raise UserError, with the type, for a column that cannot be an id, a title or a text."""
    if ours == "text" and isinstance(kind, LIST_TYPES) and isinstance(kind.inner, TEXT_TYPES):
        return
    named = kind.is_numeric() or (kind.is_temporal() and kind != pl.Duration)
    none = ours == "title" and kind == pl.Null
    if isinstance(kind, TEXT_TYPES) or none or (ours != "text" and named):
        return
    fields = _fields(kind.inner if isinstance(kind, LIST_TYPES) else kind)
    parts = " or ".join(f"{name}.{one}" for one in fields)
    hint = f"map a part of it: {parts}" if parts else "map another column to it, or convert it"
    raise UserError(f"{path}: the column '{name}' is {kind}, but {ours} is text; {hint}")
