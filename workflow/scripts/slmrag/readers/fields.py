"""The fields of a record, each of its kind, or one sentence that names file and line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from slmrag.errors import UserError, nearest

Record = Mapping[str, Any]
KINDS = {str: "text", list: "a list", dict: "an object", int: "a number", float: "a number"}


def field(record: Record, key: str, kind: Any, path: Path, line: int) -> Any:
    """Return a value of a record; UserError where it is missing or of another kind."""
    if record.get(key) is None:
        hint = nearest(key, record) or f"; it has {', '.join(map(str, record)) or 'nothing'}"
        raise UserError(f"{path}, line {line}: no '{key}'{hint}")
    value = record[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UserError(f"{path}, line {line}: '{key}' is not {_named(kind)}; correct it")
    return value


def _named(kind: Any) -> str:
    """Return what a type, or a union of types, is called."""
    return " or ".join(dict.fromkeys(KINDS[one] for one in get_args(kind) or (kind,)))


def objects(
    record: Record, key: str, path: Path, line: int, optional: bool = False
) -> list[dict[str, Any]]:
    """Return a list of objects; where it is ``optional``, nothing is an empty one."""
    if optional and record.get(key) is None:
        return []
    values = field(record, key, list, path, line)
    if any(not isinstance(value, dict) for value in values):
        raise UserError(f"{path}, line {line}: '{key}' holds what is no object; correct it")
    return values


def as_text(value: Any) -> str:
    """Return a name as text, though its writer made it a number; None is empty."""
    return "" if value is None else str(value)
