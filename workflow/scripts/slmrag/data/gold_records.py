"""Records of gold passages: the key that joins each to a question, and the passage."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slmrag.data.gold_match import normalized_text
from slmrag.data.ids import normalize_id
from slmrag.data.reading import parquet_rows
from slmrag.data.reading.delimited import rows_of
from slmrag.data.reading.dialect import TAB, Dialect
from slmrag.data.reading.fields import field, optional_text
from slmrag.data.reading.file_kinds import head_of, refuse_stand_in
from slmrag.data.reading.json_records import json_lines
from slmrag.data.schemas import passage
from slmrag.errors import UserError

JOIN_KEYS = ("question_id", "question", "id")
"""Keys of a gold record; the first that it has joins it."""
Key = tuple[str, str]
WithLine = tuple[int, dict[str, Any]]


def read_gold(path: Path) -> Iterator[tuple[Key, dict[str, str]]]:
    """Yield (key, passage) of JSONL, CSV, TSV or Parquet, by the file's name.

    UserError names the file and line of a record without a key or without a text.
    """
    for line, record in _records(path):
        names = {key: normalize_id(optional_text(record, key, path, line)) for key in JOIN_KEYS}
        key = next(filter(names.get, JOIN_KEYS), None)
        if key is None:
            raise UserError(f"{path}, line {line}: none of {', '.join(JOIN_KEYS)}; add one")
        text = field(record, "text", str, path, line)
        if not text.strip():
            raise UserError(
                f"{path}, line {line}: 'text' is empty; fill it in or remove the record"
            )
        gold = passage(names["id"], optional_text(record, "title", path, line), text)
        yield (key, normalized_text(names[key]) if key == "question" else names[key]), gold


def _records(path: Path) -> Iterator[WithLine]:
    suffixes = {suffix.lower() for suffix in path.suffixes}
    head = head_of(path)
    is_parquet = path.suffix.lower() == ".parquet" or head.startswith(b"PAR1")
    refuse_stand_in(path, "parquet" if is_parquet else "")
    if is_parquet:
        names = [
            name for name in (*JOIN_KEYS, "title", "text") if name in parquet_rows.schema_of(path)
        ]
        return parquet_rows.records_of(path, names)
    if suffixes & {".csv", ".tsv"}:
        return rows_of(path, Dialect(TAB if ".tsv" in suffixes else ","))
    if head.strip() and not head.lstrip().startswith((b"{", b"[")):
        raise UserError(f"{path}: is no JSON, and not called .csv, .tsv or .parquet; rename it")
    return json_lines(path)
