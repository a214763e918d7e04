"""KILT: questions with provenance, and its knowledge source, Wikipedia by paragraphs."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.data.reading.fields import (
    Record,
    answer_texts,
    field,
    is_missing,
    objects,
    optional_text,
)
from slmrag.data.reading.json_records import json_lines
from slmrag.data.schemas import Question, Row, to_tables
from slmrag.errors import UserError


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; the gold ids are those of the paragraphs that ``passages`` yields."""
    for line, record in json_lines(path):
        outputs = objects(record, "output", path, line)
        spans = [s for o in outputs for s in objects(o, "provenance", path, line, optional=True)]
        answers = [o["answer"] for o in outputs if not is_missing(o.get("answer"))]
        yield Question(
            question=field(record, "input", str, path, line),
            answers=answer_texts(answers, path, line),
            line=line,
            question_id=optional_text(record, "id", path, line),
            gold_ids=list(dict.fromkeys(id for s in spans for id in _paragraphs(s, path, line))),
        )


def _paragraphs(span: Record, path: Path, line: int) -> list[str]:
    """Return the ids of the paragraphs of a provenance; none if it is a whole page."""
    page = optional_text(span, "wikipedia_id", path, line)
    if not page or span.get("start_paragraph_id") is None:
        return []
    first = field(span, "start_paragraph_id", int, path, line)
    has_last = span.get("end_paragraph_id") is not None
    last = field(span, "end_paragraph_id", int, path, line) if has_last else first
    return [f"{page}#{number}" for number in range(first, last + 1)]


def passages(path: Path, columns: Mapping[str, str], empty: bool = False) -> Iterator[pl.DataFrame]:
    """Yield the paragraphs of the knowledge source; their ids are page#number.

    With ``empty`` also the empty ones, which a provenance may include.
    """

    def rows() -> Iterator[Row]:
        for line, page in json_lines(path):
            yield from (row for row in _rows(page, path, line) if empty or row[2])

    return to_tables(rows())


def _rows(page: Record, path: Path, line: int) -> Iterator[Row]:
    id = optional_text(page, "wikipedia_id", path, line) or optional_text(page, "_id", path, line)
    if not id:
        raise UserError(f"{path}, line {line}: a page without a wikipedia_id; give it one")
    title = field(page, "wikipedia_title", str, path, line)
    for number, text in enumerate(field(page, "text", list, path, line)):
        if not isinstance(text, str):
            raise UserError(
                f"{path}, line {line}: 'text' has a paragraph that is not text; correct it"
            )
        yield f"{id}#{number}", title, text.removeprefix("BULLET::::").strip(), line
