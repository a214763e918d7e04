"""DPR's question files: a JSON array; the positive contexts are the gold passages."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slmrag.data.reading.fields import answer_texts, field, objects, optional_text
from slmrag.data.reading.json_records import json_items
from slmrag.data.schemas import Question, passage


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; few files give them ids."""
    for line, record in json_items(path):
        positives = objects(record, "positive_ctxs", path, line, optional=True)
        yield Question(
            question=field(record, "question", str, path, line),
            answers=answer_texts(field(record, "answers", list, path, line), path, line),
            line=line,
            question_id=_either(record, "id", "question_id", path, line),
            gold=[_passage(context, path, line) for context in positives],
        )


def _passage(context: Mapping[str, Any], path: Path, line: int) -> dict[str, str]:
    id = _either(context, "passage_id", "psg_id", path, line)
    text = field(context, "text", str, path, line)
    return passage(id, optional_text(context, "title", path, line), text)


def _either(record: Mapping[str, Any], key: str, other: str, path: Path, line: int) -> str:
    return optional_text(record, key, path, line) or optional_text(record, other, path, line)
