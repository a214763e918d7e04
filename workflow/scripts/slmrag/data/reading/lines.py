"""The rest of a delimited file: whole lines in a buffer, and what is still on the disk."""

import csv
import io
import re
from collections.abc import Iterator
from operator import length_hint
from pathlib import Path
from typing import Literal

from slmrag.data.reading.compression import blocks_of, decode_lines
from slmrag.data.reading.dialect import Dialect
from slmrag.errors import UserError

csv.field_size_limit(1 << 28)
SEPARATOR_LINE = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=(.)"?(?:\r\n|\n|\r)', re.IGNORECASE)
"""A first line that tells Excel the separator."""

WithLine = tuple[int, list[str]]
"""The line number where a record begins, and its values."""


class Lines:
    """A file that is read in blocks, or record by record by the standard library's csv.

    ``buffer`` begins with a record and ends with a line end; ``line`` is the number of its first.
    """

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self.path, self.dialect = path, dialect
        self.buffer, self.line = b"", 1
        self.blocks = blocks_of(path)
        self.unread: Iterator[str] = iter(())

    def read_more(self) -> bool:
        """Read the file's next block, and tell whether the buffer holds something."""
        _, block = next(self.blocks, (0, b""))
        at_start = self.line == 1 and not self.buffer
        if block and not block.endswith(b"\n"):
            block += b"\n"
        self.buffer += self._without_separator_line(block) if at_start else block
        return bool(self.buffer)

    def _without_separator_line(self, block: bytes) -> bytes:
        line = SEPARATOR_LINE.match(block)
        if line is None:
            return block
        if line[1] != self.dialect.separator.encode():
            mark = line[1].decode(errors="replace")
            raise UserError(
                f"{self.path}, line 1: the file says that its separator is {mark!r}, not "
                f"{self.dialect.separator!r}; {self.dialect.advice(mark)}"
            )
        self.line += 1
        return block[line.end() :]

    def drop(self, end: int, lines: int) -> None:
        """Drop what was read from the buffer."""
        self.buffer = self.buffer[end:]
        self.line += lines

    def records(self) -> Iterator[WithLine]:
        """Yield the records from the buffer to the file's end; UserError names a csv error."""
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.dialect.quoted else csv.QUOTE_NONE
        reader = csv.reader(
            self._lines(), delimiter=self.dialect.separator, quoting=quoting, strict=True
        )
        while True:
            first = self.line
            try:
                values = next(reader, None)
            except csv.Error as error:
                raise self._csv_error(first, error) from error
            if values is None:
                return
            yield first, values

    def buffered_records(self) -> Iterator[WithLine]:
        """Yield the records that begin in the buffer; the last may end in a later block."""
        for placed in self.records():
            yield placed
            if not length_hint(self.unread):
                return

    def put_back(self) -> None:
        """Put back into the buffer what no record has used."""
        self.buffer, self.unread = "".join(self.unread).encode(), iter(())

    def _lines(self) -> Iterator[str]:
        while self.buffer or self.read_more():
            text = decode_lines(self.buffer, self.path, self.line)
            self.buffer, self.unread = b"", iter(list(io.StringIO(text, newline="")))
            for line in self.unread:
                self.line += 1
                yield line

    def _csv_error(self, line: int, error: csv.Error) -> UserError:
        hint = "correct the line"
        if self.dialect.quoted:
            hint = "correct the quotes (a quote inside a quoted field is doubled)"
            hint += ", or set quoting: none where they are plain text" * self.dialect.free
        return UserError(f"{self.path}, line {line}: {error}; {hint}")
