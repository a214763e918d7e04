"""DPR's question files: a JSON array, the positive contexts being the gold passages."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slmrag.readers.fields import as_text, field, objects, texts
from slmrag.readers.records import json_items
from slmrag.readers.shapes import Question, passage


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; few files give them ids."""
    for line, record in json_items(path):
        positives = objects(record, "positive_ctxs", path, line, optional=True)
        yield Question(
            question=field(record, "question", str, path, line),
            answers=texts(field(record, "answers", list, path, line), path, line),
            line=line,
            question_id=as_text(record.get("id", record.get("question_id"))),
            gold=[_passage(context, path, line) for context in positives],
        )


def _passage(context: Mapping[str, Any], path: Path, line: int) -> dict[str, str]:
    id = context.get("passage_id", context.get("psg_id"))
    text = field(context, "text", str, path, line)
    return passage(as_text(id), as_text(context.get("title")), text)
