"""Generic records as questions and passages, by the entry's column mapping."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.readers.fields import Record, as_text, field
from slmrag.readers.shapes import Question, Row, passage

OURS = ("id", "title", "text")
SCALARS = str | int


def row_of(record: Record, columns: Mapping[str, str], path: Path, line: int) -> Row:
    """Return a record as id, title, text and line; only the title may be missing."""
    names = {name: columns.get(name, name) for name in OURS}
    title = record.get(names["title"])
    if title is None and "title" in columns and names["title"] not in record:
        field(record, names["title"], str, path, line)
    id = field(record, names["id"], SCALARS, path, line)  # type: ignore[arg-type]
    return str(id), as_text(title), field(record, names["text"], str, path, line), line


def question_of(record: Record, columns: Mapping[str, str], path: Path, line: int) -> Question:
    """Return a record as a question; id and gold may be missing unless ``columns`` names them."""

    def get(name: str, kind: Any) -> Any:
        return field(record, columns.get(name, name), kind, path, line)

    def has(name: str) -> bool:
        return name in columns or record.get(name) is not None

    gold = _listed(get("gold", list | str), path, line) if has("gold") else []
    passages, ids = _gold(gold, path, line)
    return Question(
        question=get("question", str),
        answers=_texts(_listed(get("answers", list | str | int | float), path, line), path, line),
        line=line,
        question_id=str(get("question_id", SCALARS)) if has("question_id") else "",
        gold=passages,
        gold_ids=ids,
    )


def _listed(value: Any, path: Path, line: int) -> list[Any]:
    """Return a list as it is, a text that is a JSON list as that list, anything else as one."""
    if isinstance(value, str) and value.strip()[:1] == "[" and value.strip()[-1:] == "]":
        try:
            return list(json.loads(value))
        except ValueError as error:
            raise UserError(
                f'{path}, line {line}: {value[:40]!r} is no JSON list; write ["a", "b"]'
            ) from error
    return value if isinstance(value, list) else [value]


def _texts(values: list[Any], path: Path, line: int) -> list[str]:
    for value in values:
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise UserError(f"{path}, line {line}: the answer {value!r} is not text; correct it")
    return [str(value) for value in values]


def _gold(values: list[Any], path: Path, line: int) -> tuple[list[dict[str, str]], list[str]]:
    """Return gold passages, and ids of passages that stand elsewhere."""
    passages, ids = [], []
    for value in values:
        if isinstance(value, Mapping):
            text = field(value, "text", str, path, line)
            passages.append(passage(as_text(value.get("id")), as_text(value.get("title")), text))
        elif value not in (None, ""):
            ids.append(str(value))
    return passages, ids
