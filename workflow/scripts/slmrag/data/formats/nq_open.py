"""NQ-open: one JSON object a line, ``question`` and ``answer`` (a list)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from slmrag.data.reading.fields import answer_texts, field
from slmrag.data.reading.json_records import json_lines
from slmrag.data.schemas import Question


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; they have neither ids nor gold passages."""
    for line, record in json_lines(path):
        question = field(record, "question", str, path, line)
        answers = answer_texts(field(record, "answer", list, path, line), path, line)
        yield Question(question, answers, line)
