"""The dialect of a CSV or TSV file: its separator, and whether quotes are plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

TAB = "\t"


@dataclass(frozen=True)
class Dialect:
    """Separator and quoting of a file, and the columns' names if no line has them.

    ``free`` means that keys of an entry can change them.
    """

    separator: str = ","
    quoted: bool = True
    header: tuple[str, ...] = ()
    free: bool = False

    def advice(self, mark: str) -> str:
        """Return what to do if another sign separates the fields."""
        if not self.free:
            return f"write {self.separator!r} between them"
        return f"read it by format csv with separator: {'tab' if mark == TAB else repr(mark)}"


def dialect_of_keys(
    separator: str,
    quoting: Literal["none"] | None = None,
    header: Sequence[str] | None = None,
) -> Dialect:
    """Return the dialect of an entry's keys."""
    return Dialect(separator, quoting != "none", tuple(header or ()), free=True)
