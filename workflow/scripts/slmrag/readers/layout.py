"""How a CSV or TSV is written: what keeps its fields apart, and whether quotes are plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Layout:
    """The marks of a delimited file, and its columns' names where no line of it has them."""

    separator: str = ","
    quoted: bool = True
    header: tuple[str, ...] = ()


def layout(
    separator: str,
    quoting: Literal["none"] | None = None,
    header: Sequence[str] | None = None,
) -> Layout:
    """Return the layout that an entry's keys describe."""
    return Layout(separator, quoting != "none", tuple(header or ()))
