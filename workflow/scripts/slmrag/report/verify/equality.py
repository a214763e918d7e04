"""Checks of equality: each raises UserError that names the first difference."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.errors import UserError

if TYPE_CHECKING:
    import polars as pl

TOLERANCE = 1e-12


def check_same(written: Any, again: Any, place: str) -> None:
    """Raise UserError if two values differ by more than rounding."""
    numbers = isinstance(written, float) and isinstance(again, int | float)
    close = numbers and math.isclose(written, again, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if not close and written != again:
        raise UserError(f"{place} is {written!r}, but recomputed it is {again!r}")


def check_same_table(written: "pl.DataFrame", again: "pl.DataFrame", path: str) -> None:
    """Raise UserError if two tables differ, naming the first row and column."""
    check_same(written.columns, again.columns, f"{path}: the columns")
    check_same(written.height, again.height, f"{path}: the number of rows")
    for place in unequal_rows(written, again):
        one, two = written.row(place, named=True), again.row(place, named=True)
        name = one.get("question_id") or "/".join(str(v) for v in list(one.values())[:3])
        for column in written.columns:
            check_same(one[column], two[column], f"{path}: row {place + 1} ({name}): {column}")


def unequal_rows(written: "pl.DataFrame", again: "pl.DataFrame") -> list[int]:
    """Return the rows in which two tables of one shape are not equal to the last digit."""
    apart = np.zeros(written.height, dtype=bool)
    for column in written:
        apart |= column.ne_missing(again[column.name]).to_numpy()
    return np.flatnonzero(apart).tolist()


def check_same_tree(written: Any, again: Any, place: str) -> None:
    """Raise UserError if two nested mappings differ, naming the path to the first value."""
    if not (isinstance(written, Mapping) and isinstance(again, Mapping)):
        return check_same(written, again, place)
    check_same(sorted(written), sorted(again), f"{place}: the keys")
    for name in written:
        check_same_tree(written[name], again[name], f"{place}: {name}")
    return None


def check_same_text(path: Path, again: str) -> None:
    """Raise UserError if a text file differs, naming the first line."""
    written = path.read_text(encoding="utf-8").split("\n")
    for number, (one, two) in enumerate(zip(written, again.split("\n"), strict=False), 1):
        if one != two:
            raise UserError(f"{path}, line {number}: {excerpt(one, two)}")
    check_same(len(written), len(again.split("\n")), f"{path}: the number of lines")


def excerpt(written: str, again: str, reach: int = 40) -> str:
    """Return what two lines have around their first difference."""
    place = next(
        (i for i, pair in enumerate(zip(written, again, strict=False)) if pair[0] != pair[1]), 0
    )
    start = max(0, place - reach)
    one, two = (text[start : place + reach] for text in (written, again))
    return f"it says {one!r}, but recomputed it says {two!r}"
