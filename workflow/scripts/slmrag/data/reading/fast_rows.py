"""Rows by Polars, if it certainly reads them as the standard library's csv does."""

from codecs import BOM_UTF8

import numpy as np
import polars as pl

from slmrag.data.reading.compression import count_byte
from slmrag.data.reading.dialect import Dialect
from slmrag.data.reading.headers import BLANK_SIGNS
from slmrag.data.reading.lines import Lines
from slmrag.data.reading.quotes import sound_end
from slmrag.data.reading.swallowed_lines import SwallowedLines

Rows = tuple[pl.DataFrame, pl.Series]
"""The fields, in columns named 0, 1 and so on, and the line where each row begins."""


def fast_rows(lines: Lines, width: int, swallowed: SwallowedLines) -> Rows | None:
    """Take the buffer's whole records; None, and nothing is taken, if only csv can read them."""
    buffer = _with_line_feeds(lines.buffer)
    shorter = len(buffer) < len(lines.buffer)
    block = _sound_block(buffer, width, lines.dialect)
    table = _parse(block, width, lines.dialect) if block else None
    if table is None:
        return None
    ends, inside = count_byte(block, b"\n"), None
    if ends > table.height:
        inside = _count_per_row(table, "\n")
        if shorter or ends != table.height + inside.sum():
            return None
        _inspect_suspects(table, inside, lines, swallowed)
    numbers = _line_numbers(table.height, inside, lines.line)
    lines.drop(len(block) + shorter * ends, ends)
    return _drop_blank_rows(table, numbers)


def _with_line_feeds(buffer: bytes) -> bytes:
    """Return the lines with line feeds only, if all end in a carriage return and a line feed."""
    if b"\r" in buffer and count_byte(buffer, b"\r") == count_byte(buffer, b"\n") == buffer.count(
        b"\r\n"
    ):
        return buffer.replace(b"\r\n", b"\n")
    return buffer


def _sound_block(buffer: bytes, width: int, dialect: Dialect) -> bytes:
    """Return the whole records of a buffer; nothing if they could be read in two ways."""
    if width < 2 or b"\r" in buffer or b"\0" in buffer or buffer.startswith(BOM_UTF8):
        return b""
    return buffer[: sound_end(buffer, dialect.separator)] if dialect.quoted else buffer


def _parse(block: bytes, width: int, dialect: Dialect) -> pl.DataFrame | None:
    try:
        table = pl.read_csv(
            block,
            separator=dialect.separator,
            quote_char='"' if dialect.quoted else None,
            has_header=False,
            schema={str(place): pl.String for place in range(width)},
            empty_string_is_null=False,
        )
    except pl.exceptions.PolarsError:
        return None
    return table if _has_full_rows(table, block, dialect.separator) else None


def _has_full_rows(table: pl.DataFrame, block: bytes, separator: str) -> bool:
    """Tell whether no row was too short: Polars fills short rows and refuses only long ones."""
    inside = _count_per_row(table, separator).sum() if b'"' in block else 0
    return count_byte(block, separator.encode()) == table.height * (table.width - 1) + inside


def _count_per_row(table: pl.DataFrame, mark: str) -> pl.Series:
    """Return how often ``mark`` occurs in each row's values."""
    counts = pl.all().str.count_matches(mark, literal=True)
    return table.select(pl.sum_horizontal(counts)).to_series()


def _line_numbers(height: int, inside: pl.Series | None, first: int) -> pl.Series:
    """Return the line where each row begins; ``inside`` counts the line ends in each row."""
    numbers = np.arange(first, first + height, dtype=np.uint32)
    if inside is not None:
        numbers[1:] += np.cumsum(inside.to_numpy()[:-1], dtype=np.uint32)
    return pl.Series("line", numbers)


def _inspect_suspects(
    table: pl.DataFrame, inside: pl.Series, lines: Lines, swallowed: SwallowedLines
) -> None:
    """Inspect the rows with as many line ends and separators as several records."""
    separators = _count_per_row(table, lines.dialect.separator)
    suspects = (inside > 0) & (separators == inside * (table.width - 1))
    if suspects.any():
        numbers = _line_numbers(table.height, inside, lines.line).filter(suspects)
        for line, values in zip(numbers, table.filter(suspects).iter_rows(), strict=True):
            swallowed.inspect(line, values)


def _drop_blank_rows(table: pl.DataFrame, numbers: pl.Series) -> Rows:
    """Drop blank rows; a quick test of the first column finds out whether there may be any."""
    if (table.to_series(0) < "!").any():
        kept = ~table.select(
            pl.all_horizontal(pl.all().str.strip_chars(BLANK_SIGNS) == "")
        ).to_series()
        return table.filter(kept), numbers.filter(kept)
    return table, numbers
