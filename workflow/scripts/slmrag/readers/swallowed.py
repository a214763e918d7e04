"""Quotes that were meant as text: one at a field's start takes all up to the next one at an end."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)
LINE_END = re.compile(r"\r\n?|\n")


class Swallowed:
    """Counts the records of several lines, each of which looks like a record by itself."""

    def __init__(self, path: Path, separator: str) -> None:
        self.path, self.separator = path, separator
        self.records, self.lines, self.first = 0, 0, 0

    def look(self, line: int, values: Sequence[str]) -> None:
        """Count a record that begins in ``line`` if each of its lines could be one."""
        lines = LINE_END.split(self.separator.join(values))
        if len(lines) > 1 and self._alike(lines, len(values) - 1):
            self.first = self.first or line
            self.records, self.lines = self.records + 1, self.lines + len(lines)

    def _alike(self, lines: Sequence[str], separators: int) -> bool:
        """Tell whether all have the record's columns, the first a number, another id or words."""
        firsts = [line.partition(self.separator)[0] for line in lines]
        kinds = {(first.isdecimal(), " " in first) for first in firsts}
        return len(kinds) == 1 and all(
            line.count(self.separator) == separators > 0 for line in lines
        )

    def tell(self) -> None:
        """Warn where there were any."""
        if self.records:
            log.warning(
                "%s, line %d: a quoted field runs over lines that all look like records (%d lines "
                "became %d records in this file); if its quotes are plain text, set quoting: none",
                *(self.path, self.first, self.lines, self.records),
            )
