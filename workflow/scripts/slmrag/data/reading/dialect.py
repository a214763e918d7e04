"""How a CSV or TSV is written: what keeps its fields apart, and whether quotes are plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

TAB = "\t"


@dataclass(frozen=True)
class Dialect:
    """The marks of a delimited file, and its columns' names where no line of it has them.

    ``free`` tells whether an entry's keys can change them.
    """

    separator: str = ","
    quoted: bool = True
    header: tuple[str, ...] = ()
    free: bool = False

    def advice(self, mark: str) -> str:
        """Return what to do where another sign stands between the fields."""
        if not self.free:
            return f"write {self.separator!r} between them"
        return f"read it by format csv with separator: {'tab' if mark == TAB else repr(mark)}"


def dialect_of_keys(
    separator: str,
    quoting: Literal["none"] | None = None,
    header: Sequence[str] | None = None,
) -> Dialect:
    """Return the layout that an entry's keys describe."""
    return Dialect(separator, quoting != "none", tuple(header or ()), free=True)
