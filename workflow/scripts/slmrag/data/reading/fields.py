"""Typed fields of a record; an error names the file and line."""

from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, get_args

from slmrag.errors import UserError, nearest

Record = Mapping[str, Any]
KINDS = {str: "text", list: "a list", dict: "an object", int: "a number", float: "a number"}
KINDS[Decimal] = "a number"
ABSENT = object()
DATE_TYPES = date | time | timedelta
SCALARS = str | int | float | Decimal
"""Types that can be written as text, for ids, titles and answers."""


def is_missing(value: Any) -> bool:
    """Tell whether a value is missing: null, or NaN and infinity, as pandas writes null."""
    return value is None or (isinstance(value, float | Decimal) and not isfinite(value))


def value_at(record: Record, key: str, absent: Any = None) -> Any:
    """Return the value of a key, or of a dotted name (``answers.text``), also inside lists.

    Nested lists become one. A name inside null is null; an unknown name gives ``absent``.
    """
    if key in record:
        return record[key]
    first, dot, rest = key.partition(".")
    inner = record.get(first, absent) if dot else absent
    if inner is None:
        return None
    if isinstance(inner, list) and all(isinstance(one, Mapping) for one in inner):
        values = [value_at(one, rest, absent) for one in inner]
        return absent if any(value is absent for value in values) else _flat(values)
    return value_at(inner, rest, absent) if isinstance(inner, Mapping) else absent


def _flat(values: list[Any]) -> list[Any]:
    """Return the values, with those of nested lists, as one list."""
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def key_names(record: Record) -> list[str]:
    """Return the keys of a record; keys of nested objects are dotted names."""
    inner = {str(key): value for key, value in record.items() if isinstance(value, Mapping)}
    nested = [f"{key}.{one}" for key, value in inner.items() for one in value]
    return [*(str(key) for key in record if key not in inner), *nested]


def field(record: Record, key: str, kind: Any, path: Path, line: int) -> Any:
    """Return a value of a record; UserError if it is missing or of another type."""
    value = record[key] if key in record else value_at(record, key, ABSENT)
    if value is ABSENT:
        names = key_names(record)
        hint = nearest(key, names) or f"; it has {', '.join(names) or 'nothing'}"
        raise UserError(f"{path}, line {line}: no '{key}'{hint}")
    if is_missing(value):
        named = "null" if value is None else value
        raise UserError(f"{path}, line {line}: '{key}' is {named}; fill it in or remove the record")
    if not isinstance(value, kind) or isinstance(value, bool):
        hint = "write it as text" if isinstance(value, DATE_TYPES) else "correct it"
        raise UserError(f"{path}, line {line}: '{key}' is not {_kind_name(kind)}; {hint}")
    return value


def _kind_name(kind: Any) -> str:
    """Return the name of a type, or of a union of types."""
    return " or ".join(dict.fromkeys(KINDS[one] for one in get_args(kind) or (kind,)))


def objects(
    record: Record, key: str, path: Path, line: int, optional: bool = False
) -> list[dict[str, Any]]:
    """Return a list of objects; if ``optional``, a missing list is empty."""
    if optional and record.get(key) is None:
        return []
    values = field(record, key, list, path, line)
    if any(not isinstance(value, dict) for value in values):
        raise UserError(
            f"{path}, line {line}: '{key}' has an item that is not an object; correct it"
        )
    return values


def scalar(record: Record, key: str, path: Path, line: int) -> str:
    """Return a text or a number as text; UserError if it is missing, or neither."""
    return as_text(field(record, key, SCALARS, path, line))


def optional_text(record: Record, key: str, path: Path, line: int) -> str:
    """Return an id or a title as text, empty if it is missing; UserError for other types."""
    return "" if is_missing(record.get(key)) else scalar(record, key, path, line)


def as_text(value: Any) -> str:
    """Return an id, a title or an answer as text, also if it is a number; empty if it is missing.

    A whole number has no point (1969.0 is 1969, 1e+21 has 22 digits, -0.0 is 0), any other has the
    fewest digits that distinguish it from its neighbors.
    """
    if is_missing(value):
        return ""
    if isinstance(value, float | Decimal):
        return str(int(value)) if value == int(value) else _fraction(value)
    return str(value)


def _fraction(value: float | Decimal) -> str:
    return repr(value) if isinstance(value, float) else format(value.normalize(), "f")


def answer_texts(values: Iterable[Any], path: Path, line: int) -> list[str]:
    """Return answers as texts; UserError for one that is missing or neither text nor number."""
    values = list(values)
    for value in values:
        if is_missing(value) or not isinstance(value, SCALARS) or isinstance(value, bool):
            raise UserError(f"{path}, line {line}: the answer {value!r} is not text; correct it")
    return [as_text(value) for value in values]
