"""SQuAD's JSON (1.1 and 2.0): the paragraph of a question is its gold passage."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.data.ids import normalize_id
from slmrag.data.reading.fields import field, objects, optional_text, scalar
from slmrag.data.reading.json_records import json_member
from slmrag.data.schemas import Question, Row, passage, to_tables
from slmrag.errors import UserError

Paragraph = tuple[int, str, str, dict[str, Any]]
"""The line where its article begins, its id, title and content."""


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; those of SQuAD 2.0 that cannot be answered have no answers."""
    for line, id, title, paragraph in _paragraphs(path):
        text = field(paragraph, "context", str, path, line)
        for question in objects(paragraph, "qas", path, line):
            impossible = _is_impossible(question, path, line)
            answers = [] if impossible else objects(question, "answers", path, line)
            yield Question(
                question=field(question, "question", str, path, line),
                answers=[scalar(answer, "text", path, line) for answer in answers],
                line=line,
                question_id=optional_text(question, "id", path, line),
                gold=[passage(id, title, text)],
            )


def _is_impossible(question: Mapping[str, Any], path: Path, line: int) -> bool:
    found = question.get("is_impossible")
    if found not in (None, False, True):
        raise UserError(
            f"{path}, line {line}: 'is_impossible' is neither true nor false; correct it"
        )
    return bool(found)


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield the paragraphs; their ids are title#number, as of the questions' gold passages."""

    def rows() -> Iterator[Row]:
        for line, id, title, paragraph in _paragraphs(path):
            yield id, title, field(paragraph, "context", str, path, line), line

    return to_tables(rows())


def _paragraphs(path: Path) -> Iterator[Paragraph]:
    """Yield the paragraphs, article by article; an article without a title is named by its number.

    If articles have the same title, the numbers of their paragraphs continue.
    """
    counted: Counter[str] = Counter()
    for article_number, (line, article) in enumerate(json_member(path, "data")):
        title = optional_text(article, "title", path, line)
        name = normalize_id(title) or str(article_number)
        for paragraph in objects(article, "paragraphs", path, line):
            yield line, f"{name}#{counted[name]}", title, paragraph
            counted[name] += 1
