"""Generic records as questions and passages, by the entry's column mapping."""

import logging
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.readers.fields import (
    ABSENT,
    SCALARS,
    Record,
    as_text,
    field,
    is_missing,
    texts,
    value_at,
)
from slmrag.readers.shapes import Question, Row, passage

log = logging.getLogger(__name__)

JSON_LIST = re.compile(r'\s*\[\s*(".*")?\s*\]\s*$', re.DOTALL)
OURS = ("id", "title", "text")


def _field(record: Record, key: str, kind: Any, path: Path, line: int) -> Any:
    """Return a value of a record; where it is an object, the error says what can be mapped."""
    value = value_at(record, key)
    if isinstance(value, Mapping) and value:
        raise UserError(
            f"{path}, line {line}: '{key}' is an object; map the part that is meant in the entry's "
            f"columns: {' or '.join(f'{key}.{name}' for name in value)}"
        )
    return field(record, key, kind, path, line)


def row_of(record: Record, columns: Mapping[str, str], path: Path, line: int) -> Row:
    """Return a record as id, title, text and line; only the title may be missing."""
    names = {name: columns.get(name, name) for name in OURS}
    title = value_at(record, names["title"], ABSENT if "title" in columns else None)
    if not is_missing(title):
        title = _field(record, names["title"], SCALARS, path, line)
    id = _field(record, names["id"], SCALARS, path, line)
    return as_text(id), as_text(title), _text(record, names["text"], path, line), line


def _text(record: Record, key: str, path: Path, line: int) -> str:
    """Return a text; sentences or paragraphs in a list become one, a space between them."""
    value = value_at(record, key)
    if not isinstance(value, list):
        return _field(record, key, str, path, line)
    if any(not isinstance(part, str) for part in value):
        raise UserError(f"{path}, line {line}: '{key}' holds what is no text; correct it")
    return " ".join(filter(None, map(str.strip, value)))


def question_of(record: Record, columns: Mapping[str, str], path: Path, line: int) -> Question:
    """Return a record as a question; id and gold may be missing unless ``columns`` names them.

    A question whose answers are null has none.
    """

    def get(name: str, kind: Any) -> Any:
        return _field(record, columns.get(name, name), kind, path, line)

    def has(name: str) -> bool:
        return name in columns or not is_missing(record.get(name))

    answers = value_at(record, columns.get("answers", "answers"), "")
    passages, ids = _gold(_listed(get("gold", list | SCALARS)) if has("gold") else [], path, line)
    return Question(
        question=get("question", str),
        answers=[] if is_missing(answers) else _answers(get("answers", list | SCALARS), path, line),
        line=line,
        question_id=as_text(get("question_id", SCALARS)) if has("question_id") else "",
        gold=passages,
        gold_ids=ids,
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _answers(value: Any, path: Path, line: int) -> list[str]:
    """Return one answer or several; a text is one, even where it looks like a list in JSON."""
    if isinstance(value, str) and JSON_LIST.match(value):
        _warn(path)
    return texts(_listed(value), path, line)


@cache
def _warn(path: Path) -> None:
    log.warning(
        "%s: an answer is a text that looks like a list in JSON, and is taken as the one text that "
        "it is; if it means several answers, write a list (only csv has none of its own)",
        path,
    )


def _gold(values: list[Any], path: Path, line: int) -> tuple[list[dict[str, str]], list[str]]:
    """Return gold passages, and ids of passages that stand elsewhere."""
    passages, ids = [], []
    for value in values:
        if isinstance(value, Mapping):
            text = field(value, "text", str, path, line)
            passages.append(passage(as_text(value.get("id")), as_text(value.get("title")), text))
        elif not is_missing(value) and value != "":
            ids.append(as_text(value))
    return passages, ids
