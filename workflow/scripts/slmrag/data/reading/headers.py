"""The header of a CSV or TSV file: does it have the wanted columns, and each row all of them?

Columns without a name, as spreadsheets leave them, and blank records are skipped.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from slmrag.data.reading.dialect import Dialect
from slmrag.data.reading.lines import Lines
from slmrag.errors import UserError, nearest

BLANK_SIGNS = " \t"
"""Signs that an empty field of a spreadsheet may contain."""


def header_of(lines: Lines) -> tuple[int, list[str]]:
    """Return (its line, the columns' names), read or given; an empty file has no names."""
    given = list(lines.dialect.header)
    if given:
        _refuse_own_header(given, lines)
        return 1, given
    for line, values in lines.records():
        if not is_blank(values):
            lines.put_back()
            return line, _check_header(values, lines.path, line, lines.dialect)
    return 1, []


def _refuse_own_header(given: Sequence[str], lines: Lines) -> None:
    """Raise UserError if the first record is the header that the entry gives."""
    records = Lines(lines.path, lines.dialect).records()
    line, values = next(((n, v) for n, v in records if not is_blank(v)), (1, []))
    if [value.strip() for value in values] == given:
        raise UserError(
            f"{lines.path}, line {line}: the file has a header of its own; remove the entry's key "
            "header"
        )


def is_blank(values: Sequence[str]) -> bool:
    """Tell whether a record is blank."""
    return not any(value.strip(BLANK_SIGNS) for value in values)


def _check_header(header: list[str], path: Path, line: int, dialect: Dialect) -> list[str]:
    """Return the header; UserError for a duplicate name, or for another separator."""
    twice = next((name for name in header if name.strip() and header.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{path}, line {line}: the column '{twice}' occurs twice; rename one")
    other = next((mark for mark in ";\t,|" if mark in header[0]), None)
    if len(header) == 1 and other:
        raise UserError(
            f"{path}, line {line}: the columns are separated by {other!r}, not by "
            f"{dialect.separator!r}; {dialect.advice(other)}"
        )
    return header


def column_places(
    names: Mapping[str, str], header: Sequence[str], path: Path, line: int, optional: Sequence[str]
) -> dict[str, int]:
    """Return the index, from 0, of each name in the header; UserError for a missing one."""
    for ours, name in names.items():
        if name not in header and not (ours in optional and name == ours):
            hint = nearest(name, header) or f"; it has {_column_list(header)}"
            raise UserError(f"{path}, line {line}: no column '{name}'{hint}")
    return {ours: header.index(name) for ours, name in names.items() if name in header}


def full_row(values: list[str], header: Sequence[str], path: Path, line: int) -> list[str]:
    """Return a row as wide as the header; UserError if more than blank fields differ."""
    more, missing = values[len(header) :], header[len(values) :]
    if (more and not is_blank(more)) or (missing and not is_blank(missing)):
        raise UserError(
            f"{path}, line {line}: {len(values)} columns instead of {len(header)} "
            f"({_column_list(header)}); correct the line"
        )
    return [*values[: len(header)], *([""] * len(missing))]


def _column_list(header: Sequence[str]) -> str:
    return ", ".join(name for name in header if name.strip()) or "nothing"
