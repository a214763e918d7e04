"""CSV and TSV, with quoted fields that may hold line ends: tables fast, records with care.

A block that Polars reads without a doubt is taken as it is. Any other is read again by the
standard library, whose reading is the rule, and whose complaints name the line.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from slmrag.errors import UserError
from slmrag.readers.headers import present, sound
from slmrag.readers.opening import blocks_of, count, decoded
from slmrag.readers.shapes import PASSAGES

csv.field_size_limit(1 << 28)
QUOTE = b'"'
LONGEST = 1 << 28
"""Bytes of a record after which a quote is taken to have been left open."""


def rows_of(path: Path, separator: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row by column name); UserError names a row of another width."""
    header: list[str] | None = None
    for line, values in records_of(path, separator):
        if header is None:
            header = sound(values, path, separator)
        else:
            yield line, dict(zip(header, _whole(values, header, path, line), strict=True))


def records_of(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, values) of each record, a header among them."""
    for first, block in record_blocks(path):
        yield from _read(block, path, first, separator)


def tables_of(
    path: Path, separator: str, names: Mapping[str, str], optional: Sequence[str] = ()
) -> Iterator[pl.DataFrame]:
    """Yield tables of id, title, text and line; ``names`` maps ours to the header's columns."""
    header: list[str] | None = None
    for first, block in record_blocks(path):
        if header is None:
            head, _, block = block.partition(b"\n")
            header = _header(head + b"\n", path, separator)
            names = present(names, header, path, optional)
            first += 1
        if block:
            table = _fast(block, header, separator)
            if table is None:
                table, lines = _careful(block, header, path, first, separator)
            else:
                lines = _lines(table, block, first)
            yield _ours(table, names, lines)


def record_blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (number of the first line, whole records): a line end inside quotes ends none."""
    line, rest = 1, b""
    for first, lines in blocks_of(path):
        line, rest = (first if not rest else line), rest + lines
        cut = _boundary(rest)
        if cut:
            yield line, rest[:cut]
            line += rest.count(b"\n", 0, cut) if cut < len(rest) else 0
            rest = rest[cut:]
        if len(rest) > LONGEST:
            break
    if rest:
        yield line, rest


def _boundary(block: bytes) -> int:
    """Return the end of the last line that is outside quotes; 0 where there is none."""
    end = block.rfind(QUOTE) if count(block, QUOTE) % 2 else len(block)
    return block.rfind(b"\n", 0, end) + 1


def _header(head: bytes, path: Path, separator: str) -> list[str]:
    values = next((values for _, values in _read(head, path, 1, separator)), [])
    return sound(values, path, separator)


def _fast(block: bytes, header: Sequence[str], separator: str) -> pl.DataFrame | None:
    """Return the block's rows, or None where only careful reading can tell what they are."""
    schema = dict.fromkeys(header, pl.String)
    if b"\r" in block or b"\0" in block or len(header) < 2:
        return None
    try:
        table = pl.read_csv(
            block,
            separator=separator,
            has_header=False,
            schema=schema,
            empty_string_is_null=False,
        )
    except pl.exceptions.PolarsError:
        return None
    return table if _is_whole(table, block, separator) else None


def _is_whole(table: pl.DataFrame, block: bytes, separator: str) -> bool:
    """Tell whether no row was too short: Polars fills those, and refuses the long ones only."""
    extra = count(block, separator.encode()) - table.height * (table.width - 1)
    return extra == 0 or extra == _count(table, separator).sum()


def _count(table: pl.DataFrame, mark: str) -> pl.Series:
    """Return how often ``mark`` stands in each row's values."""
    counts = pl.all().str.count_matches(mark, literal=True)
    return table.select(pl.sum_horizontal(counts)).to_series()


def _careful(
    block: bytes, header: Sequence[str], path: Path, first: int, separator: str
) -> tuple[pl.DataFrame, pl.Series]:
    lines, rows = [], []
    for line, values in _read(block, path, first, separator):
        lines.append(line)
        rows.append(_whole(values, header, path, line))
    table = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")
    return table, pl.Series("line", lines, dtype=pl.UInt32)


def _whole(values: list[str], header: Sequence[str], path: Path, line: int) -> list[str]:
    if len(values) != len(header):
        raise UserError(
            f"{path}, line {line}: {len(values)} columns instead of {len(header)} "
            f"({', '.join(header)}); correct the line"
        )
    return values


def _read(block: bytes, path: Path, first: int, separator: str) -> Iterator[tuple[int, list[str]]]:
    text = decoded(block, path, first)
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=separator, strict=True)
    before = 0
    try:
        for values in reader:
            if values:
                yield first + before, values
            before = reader.line_num
    except csv.Error as error:
        raise UserError(f"{path}, line {first + before}: {error}; correct the quotes") from error


def _lines(table: pl.DataFrame, block: bytes, first: int) -> pl.Series:
    """Return the line that each row begins at."""
    numbers = np.arange(first, first + table.height, dtype=np.uint32)
    if count(block, b"\n") > table.height:
        inside = _count(table, "\n").to_numpy()
        numbers[1:] += np.cumsum(inside[:-1], dtype=np.uint32)
    return pl.Series("line", numbers)


def _ours(table: pl.DataFrame, names: Mapping[str, str], lines: pl.Series) -> pl.DataFrame:
    empty = pl.Series([""], dtype=pl.String)
    columns = {
        name: table[names[name]] if name in names else empty.new_from_index(0, table.height)
        for name in PASSAGES
    }
    return pl.DataFrame({**columns, "line": lines})
