"""Generic records as questions and passages, by the entry's column mapping."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrag.data.reading.fields import (
    ABSENT,
    SCALARS,
    Record,
    answer_texts,
    as_text,
    field,
    is_missing,
    optional_text,
    value_at,
)
from slmrag.data.schemas import Question, Row, passage
from slmrag.errors import UserError

PASSAGE_COLUMNS = ("id", "title", "text")


def _field(record: Record, key: str, kind: Any, path: Path, line: int) -> Any:
    """Return a value of a record; for an object, the error names the keys that can be mapped."""
    value = value_at(record, key)
    if isinstance(value, Mapping) and value:
        raise UserError(
            f"{path}, line {line}: '{key}' is an object; map the part that is meant in the entry's "
            f"columns: {' or '.join(f'{key}.{name}' for name in value)}"
        )
    return field(record, key, kind, path, line)


def row_of(record: Record, columns: Mapping[str, str], path: Path, line: int) -> Row:
    """Return a record as id, title, text and line; only the title may be missing."""
    names = {name: columns.get(name, name) for name in PASSAGE_COLUMNS}
    title = value_at(record, names["title"], ABSENT if "title" in columns else None)
    if not is_missing(title):
        title = _field(record, names["title"], SCALARS, path, line)
    id = _field(record, names["id"], SCALARS, path, line)
    return as_text(id), as_text(title), _text(record, names["text"], path, line), line


def _text(record: Record, key: str, path: Path, line: int) -> str:
    """Return a text; a list of texts is joined by spaces."""
    value = value_at(record, key)
    if not isinstance(value, list):
        return _field(record, key, str, path, line)
    if any(not isinstance(part, str) for part in value):
        raise UserError(f"{path}, line {line}: '{key}' has an item that is not text; correct it")
    return " ".join(filter(None, map(str.strip, value)))


def question_of(record: Record, columns: Mapping[str, str], path: Path, line: int) -> Question:
    """Return a record as a question; id and gold may be missing unless ``columns`` names them.

    Answers that are null, or a list of nulls only, are no answers.
    """

    def get(name: str, kind: Any) -> Any:
        return _field(record, columns.get(name, name), kind, path, line)

    def has(name: str) -> bool:
        return name in columns or not is_missing(record.get(name))

    answers = _as_list(value_at(record, columns.get("answers", "answers"), ""))
    if not all(map(is_missing, answers)):
        answers = answer_texts(_as_list(get("answers", list | SCALARS)), path, line)
    gold = _as_list(get("gold", list | SCALARS)) if has("gold") else []
    passages, ids = _gold(gold, path, line)
    return Question(
        question=get("question", str),
        answers=[] if all(map(is_missing, answers)) else answers,
        line=line,
        question_id=as_text(get("question_id", SCALARS)) if has("question_id") else "",
        gold=passages,
        gold_ids=ids,
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _gold(values: list[Any], path: Path, line: int) -> tuple[list[dict[str, str]], list[str]]:
    """Return gold passages, and ids of gold passages in other files."""
    passages, ids = [], []
    for value in values:
        if isinstance(value, Mapping):
            text = field(value, "text", str, path, line)
            id, title = (optional_text(value, key, path, line) for key in ("id", "title"))
            passages.append(passage(id, title, text))
        elif not is_missing(value) and value != "":
            ids += [optional_text({"gold": value}, "gold", path, line)]
    return passages, ids
