"""Any Parquet; the entry's ``columns`` maps its columns, with dotted names inside structs.

Plain columns of passages are read as tables; lists and structs record by record, as in JSONL.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.data.reading.column_mapping import PASSAGE_COLUMNS, question_of, row_of
from slmrag.data.reading.parquet_rows import (
    LINE_COLUMN,
    column_as_text,
    records_of,
    schema_of,
    tables_of,
)
from slmrag.data.reading.parquet_types import kind_of, refuse_kind
from slmrag.data.schemas import PASSAGES_WITH_LINE, Question, to_tables
from slmrag.errors import UserError

QUESTION_COLUMNS = ("question_id", "question", "answers", "gold")


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield the passages in tables; ``line`` is the row's number, from 1."""
    names, schema = {name: columns.get(name, name) for name in PASSAGE_COLUMNS}, schema_of(path)
    if "title" not in columns and "title" not in schema:
        names.pop("title")
    for ours, name in names.items():
        refuse_kind(ours, name, kind_of(name, schema, path), path)
    if all(name in schema and not schema[name].is_nested() for name in names.values()):
        return _tables(path, names, schema)
    rows = records_of(path, names.values())
    return to_tables(row_of(record, columns, path, line) for line, record in rows)


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; ``line`` is the row's number, from 1."""
    schema = schema_of(path)
    for name in {"question": "question", "answers": "answers", **columns}.values():
        kind_of(name, schema, path)
    names = [
        columns.get(name, name) for name in QUESTION_COLUMNS if name in columns or name in schema
    ]
    for line, record in records_of(path, names):
        yield question_of(record, columns, path, line)


def _tables(path: Path, names: Mapping[str, str], schema: pl.Schema) -> Iterator[pl.DataFrame]:
    ours = [
        column_as_text(names[name], schema[names[name]]).alias(name)
        if name in names
        else pl.lit("").alias(name)
        for name in PASSAGE_COLUMNS
    ]
    for table in tables_of(path, list(dict.fromkeys(names.values()))):
        own = table.select(*ours, line=LINE_COLUMN).cast(PASSAGES_WITH_LINE)
        _refuse_null(own, names, path)
        yield own.with_columns(pl.col("title").fill_null(""))


def _refuse_null(table: pl.DataFrame, names: Mapping[str, str], path: Path) -> None:
    for name in ("id", "text"):
        if table[name].null_count():
            row = table["line"].filter(table[name].is_null())[0]
            raise UserError(
                f"{path}, row {row}: '{names[name]}' is null; fill it in or remove the row"
            )
