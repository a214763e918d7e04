"""Any CSV or, by its file's name, TSV file.

Keys of the entry: ``columns`` maps the columns, ``separator`` separates them, ``quoting: none``
makes quotes plain text, and ``header`` names the columns if no line does.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.data.reading.column_mapping import PASSAGE_COLUMNS, question_of
from slmrag.data.reading.delimited import rows_of, tables_of
from slmrag.data.reading.dialect import TAB, Dialect, dialect_of_keys
from slmrag.data.schemas import Question
from slmrag.errors import UserError

log = logging.getLogger(__name__)
Row = tuple[int, dict[str, str]]
FLOAT_TEXT = re.compile(r"-?\d+\.\d+")


def passages(path: Path, columns: Mapping[str, str], **keys: Any) -> Iterator[pl.DataFrame]:
    """Yield the passages in tables."""
    names = {name: columns.get(name, name) for name in PASSAGE_COLUMNS}
    return tables_of(path, dialect_of(path, **keys), names, optional=("title",))


def questions(path: Path, columns: Mapping[str, str], **keys: Any) -> Iterator[Question]:
    """Yield the questions; several answers are a JSON list, one answer is a text."""
    answers, gold = (columns.get(name, name) for name in ("answers", "gold"))
    for line, row in _warn_of_floats(path, answers, rows_of(path, dialect_of(path, **keys))):
        listed = {
            name: _parse_list(row[name], path, line) for name in (answers, gold) if name in row
        }
        yield question_of(row | listed, columns, path, line)


def _warn_of_floats(path: Path, name: str, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield the rows; warn at the end if a column may have whole numbers written as floats."""
    floats, example = True, ""
    for line, row in rows:
        value = row.get(name, "")
        floats = floats and FLOAT_TEXT.fullmatch(value) is not None
        example = value if value.endswith(".0") else example
        yield line, row
    if floats and example:
        log.warning(
            "%s: all %s are numbers with a decimal point, some like %s, as pandas writes columns "
            "with gaps; in csv they stand as they are, so correct them if %s is meant",
            *(path, name, example, example.removesuffix(".0")),
        )


def dialect_of(path: Path, separator: str | None = None, **keys: Any) -> Dialect:
    """Return the dialect of a file; by default ``x.tsv`` and ``x.tsv.gz`` have tabs."""
    return dialect_of_keys(separator or (TAB if _is_tsv(path) else ","), **keys)


def _is_tsv(path: Path) -> bool:
    return ".tsv" in map(str.lower, path.suffixes)


def _parse_list(value: str, path: Path, line: int) -> str | list[Any]:
    """Return the list that a text is in JSON, or the text: CSV has no lists."""
    if not (value.strip().startswith("[") and value.strip().endswith("]")):
        return value
    try:
        return list(json.loads(value))
    except ValueError as error:
        raise UserError(
            f'{path}, line {line}: {value[:40]!r} is no JSON list; write ["a", "b"]'
        ) from error
