"""Checks a comparison against expected scores, within their tolerances."""

import json
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from slmrag.errors import UserError

CELL_KEYS = ("model", "dataset", "mode")
REQUIRED_KEYS = (*CELL_KEYS, "metric", "value")
Row = Mapping[str, Any]


def check_expected(rows: Sequence[Row], experiment: str, path: str | Path) -> int:
    """Compare a comparison's rows with a file of expected scores; return how many were compared.

    The file is a list of {model, dataset, mode, metric, value, tolerance (0), experiment}; an entry
    of another experiment is skipped. UserError if a score differs or is absent.
    """
    found = {tuple(row[name] for name in CELL_KEYS): row for row in rows}
    entries = [
        entry for entry in read_expected(path) if entry.get("experiment", experiment) == experiment
    ]
    for entry in entries:
        check_entry(found.get(tuple(entry[name] for name in CELL_KEYS)), entry, path)
    return len(entries)


def read_expected(path: str | Path) -> list[Row]:
    """Return the entries of a file of expected scores."""
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: this is not JSON: {error}") from None
    if not isinstance(entries, list):
        raise UserError(f"{path}: it must be a list of {{{', '.join(REQUIRED_KEYS)}, tolerance}}")
    for place, entry in enumerate(entries, 1):
        check_fields(entry, f"{path}: entry {place}")
    return entries


def check_fields(entry: Any, place: str) -> None:
    """Raise UserError if an entry lacks a key, or if its value or tolerance is not a number."""
    absent = [name for name in REQUIRED_KEYS if not isinstance(entry, Mapping) or name not in entry]
    if absent:
        raise UserError(f"{place} has no {', '.join(absent)}")
    for name in ("value", "tolerance"):
        if not isinstance(entry.get(name, 0), Real):
            raise UserError(f"{place}: {name} is {entry[name]!r}, not a number")


def check_entry(row: Row | None, entry: Row, path: str | Path) -> None:
    """Raise UserError if a score is absent or outside the tolerance of the expected one."""
    cell, metric = "/".join(str(entry[name]) for name in CELL_KEYS), entry["metric"]
    if row is None:
        raise UserError(f"{path}: {cell} is expected, but the comparison has no such cell")
    if metric not in row:
        raise UserError(f"{path}: {cell}: the comparison has no column {metric!r}")
    value, reach = row[metric], entry.get("tolerance", 0.0)
    if value is None or not abs(value - entry["value"]) <= reach:
        raise UserError(
            f"{cell}: {metric} is {value}, expected {entry['value']} within {reach} ({path})"
        )
