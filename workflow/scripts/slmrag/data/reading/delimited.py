"""CSV and TSV, with quoted fields that may contain line ends.

The standard library's csv defines the meaning. Polars reads the blocks that it certainly reads the
same way; csv reads the others, and names the line of an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from slmrag.data.reading.dialect import Dialect
from slmrag.data.reading.fast_rows import Rows, fast_rows
from slmrag.data.reading.headers import column_places, full_row, header_of, is_blank
from slmrag.data.reading.lines import Lines, WithLine
from slmrag.data.reading.swallowed_lines import SwallowedLines
from slmrag.data.schemas import PASSAGES


def rows_of(path: Path, dialect: Dialect) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row by column name); UserError names a row of another width."""
    lines = Lines(path, dialect)
    _, header = header_of(lines)
    for line, values in _records(lines):
        row = zip(header, full_row(values, header, path, line), strict=True)
        yield line, {name: value for name, value in row if name.strip()}


def records_of(path: Path, dialect: Dialect) -> Iterator[WithLine]:
    """Yield (line number, values) of each record, also of a header; blank ones are left out."""
    return _records(Lines(path, dialect))


def _records(lines: Lines) -> Iterator[WithLine]:
    swallowed = SwallowedLines(lines.path, lines.dialect)
    try:
        yield from _inspected(lines, lines.records(), swallowed)
    finally:
        swallowed.warn()


def tables_of(
    path: Path, dialect: Dialect, names: Mapping[str, str], optional: Sequence[str] = ()
) -> Iterator[pl.DataFrame]:
    """Yield tables of id, title, text and line; ``names`` maps ours to the header's columns."""
    lines, swallowed = Lines(path, dialect), SwallowedLines(path, dialect)
    line, header = header_of(lines)
    places = column_places(names, header, path, line, optional) if header else {}
    try:
        while lines.read_more():
            rows = fast_rows(lines, len(header), swallowed) or _rows_by_csv(
                lines, header, swallowed
            )
            if rows[0].height:
                yield _passage_table(*rows, places)
    finally:
        swallowed.warn()


def _inspected(
    lines: Lines, records: Iterator[WithLine], swallowed: SwallowedLines
) -> Iterator[WithLine]:
    """Yield the records that are not blank; those of several lines are inspected."""
    for line, values in records:
        if lines.line - line > 1:
            swallowed.inspect(line, values)
        if not is_blank(values):
            yield line, values


def _rows_by_csv(lines: Lines, header: Sequence[str], swallowed: SwallowedLines) -> Rows:
    """Return the rows that begin in the buffer, read by the standard library."""
    numbers, rows = [], []
    for line, values in _inspected(lines, lines.buffered_records(), swallowed):
        numbers.append(line)
        rows.append(full_row(values, header, lines.path, line))
    schema = {str(place): pl.String for place in range(len(header))}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table, pl.Series("line", numbers, dtype=pl.UInt32)


def _passage_table(
    table: pl.DataFrame, lines: pl.Series, places: Mapping[str, int]
) -> pl.DataFrame:
    """Return id, title, text and line; a missing title is empty."""
    empty = pl.Series([""], dtype=pl.String)
    columns = {
        name: table[str(places[name])] if name in places else empty.new_from_index(0, table.height)
        for name in PASSAGES
    }
    return pl.DataFrame({**columns, "line": lines})
