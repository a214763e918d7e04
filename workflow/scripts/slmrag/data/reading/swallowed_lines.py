"""Quotes that were meant as text: at a field's start they swallow the following lines."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from slmrag.data.reading.dialect import Dialect

log = logging.getLogger(__name__)
ACTIVE_COUNTS: list[dict[Path, int]] = []
"""The counts that are active now."""
LINE_END = re.compile(r"\r\n?|\n")


@contextmanager
def count_swallowed() -> Iterator[dict[Path, int]]:
    """Count, by file, the lines that quotes swallow while this context is active."""
    counts: dict[Path, int] = {}
    ACTIVE_COUNTS.append(counts)
    try:
        yield counts
    finally:
        ACTIVE_COUNTS.pop()


def swallowed_for_audit(counts: Mapping[Path, int]) -> dict[str, int]:
    """Return for the audit how many lines were swallowed; empty if none was."""
    return {"swallowed_lines": sum(counts.values())} if counts else {}


class SwallowedLines:
    """Counts the records of several lines, each of which looks like a record by itself."""

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self.path, self.dialect, self.separator = path, dialect, dialect.separator
        self.records, self.lines, self.first = 0, 0, 0

    def inspect(self, line: int, values: Sequence[str]) -> None:
        """Count a record that begins in ``line`` if each of its lines could be one."""
        lines = LINE_END.split(self.separator.join(values))
        if len(lines) > 1 and self._look_alike(lines, len(values) - 1):
            self.first = self.first or line
            self.records, self.lines = self.records + 1, self.lines + len(lines)

    def _look_alike(self, lines: Sequence[str], separators: int) -> bool:
        """Tell whether all have the record's columns and a first field of the same kind."""
        firsts = [line.partition(self.separator)[0] for line in lines]
        kinds = {(first.isdecimal(), " " in first) for first in firsts}
        return len(kinds) == 1 and all(
            line.count(self.separator) == separators > 0 for line in lines
        )

    def warn(self) -> None:
        """Warn if there were any, and count the lines that became no records."""
        if self.records:
            hint = "set quoting: none" if self.dialect.free else "correct them"
            log.warning(
                "%s, line %d: a quoted field runs over lines that all look like records (%d lines "
                "became %d records in this file); if its quotes are plain text, %s",
                *(self.path, self.first, self.lines, self.records, hint),
            )
            for counts in ACTIVE_COUNTS:
                counts[self.path] = self.lines - self.records
