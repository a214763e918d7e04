"""SQuAD's JSON (1.1 and 2.0): the paragraph of a question is its gold passage."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.readers.records import as_text, field, json_object
from slmrag.readers.shapes import Question, Row, passage, tabled


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions that have answers: SQuAD 2.0 also asks what has none."""
    for id, title, paragraph in _paragraphs(path):
        text = field(paragraph, "context", str, path, 1)
        for asked in field(paragraph, "qas", list, path, 1):
            if not asked.get("is_impossible"):
                answers = field(asked, "answers", list, path, 1)
                yield Question(
                    question=field(asked, "question", str, path, 1),
                    answers=list(dict.fromkeys(field(a, "text", str, path, 1) for a in answers)),
                    line=1,
                    question_id=as_text(asked.get("id")),
                    gold=[passage(id, title, text)],
                )


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield the paragraphs, called title#number as the questions' gold passages are."""

    def rows() -> Iterator[Row]:
        for id, title, paragraph in _paragraphs(path):
            yield id, title, field(paragraph, "context", str, path, 1), 1

    return tabled(rows())


def _paragraphs(path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for article in field(json_object(path), "data", list, path, 1):
        title = field(article, "title", str, path, 1)
        for number, paragraph in enumerate(field(article, "paragraphs", list, path, 1)):
            yield f"{title}#{number}", title, paragraph
