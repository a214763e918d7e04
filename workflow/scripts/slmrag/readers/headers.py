"""The first line of a CSV or TSV: are its columns those that are asked for?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from slmrag.errors import UserError, nearest


def sound(header: list[str], path: Path, separator: str) -> list[str]:
    """Return the header; UserError for columns of one name, or that another mark keeps apart."""
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{path}, line 1: the column '{twice}' stands twice; rename one")
    other = next((mark for mark in ";\t,|" if mark in header[0]), None) if header else None
    if len(header) == 1 and other:
        raise UserError(
            f"{path}, line 1: the columns stand apart by {other!r}, not by {separator!r}; "
            "convert the file (a .tsv has tabs)"
        )
    return header


def present(
    names: Mapping[str, str], header: Sequence[str], path: Path, optional: Sequence[str]
) -> dict[str, str]:
    """Return the names that the header has; UserError for one that it should have."""
    for ours, name in names.items():
        if name not in header and not (ours in optional and name == ours):
            hint = nearest(name, header) or f"; it has {', '.join(header) or 'nothing'}"
            raise UserError(f"{path}, line 1: no column '{name}'{hint}")
    return {ours: name for ours, name in names.items() if name in header}
