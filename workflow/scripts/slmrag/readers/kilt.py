"""KILT: questions with provenance, and its knowledge source, Wikipedia by paragraphs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.readers.records import Record, as_text, field, json_lines
from slmrag.readers.shapes import Question, Row, tabled


def questions(path: Path, columns: Mapping[str, str]) -> Iterator[Question]:
    """Yield the questions; the gold ids are those of the paragraphs that ``passages`` yields."""
    for line, record in json_lines(path):
        outputs = field(record, "output", list, path, line)
        provenance = [p for output in outputs for p in output.get("provenance") or []]
        yield Question(
            question=field(record, "input", str, path, line),
            answers=list(dict.fromkeys(o["answer"] for o in outputs if o.get("answer"))),
            line=line,
            question_id=as_text(record.get("id")),
            gold_ids=list(dict.fromkeys(id for p in provenance for id in _paragraphs(p))),
        )


def _paragraphs(provenance: Mapping[str, Any]) -> list[str]:
    """Return the ids of the paragraphs that a provenance spans."""
    page = provenance.get("wikipedia_id")
    first = provenance.get("start_paragraph_id")
    if page is None or first is None:
        return []
    last = provenance.get("end_paragraph_id") or first
    return [f"{page}#{number}" for number in range(int(first), int(last) + 1)]


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield the paragraphs of the knowledge source, called page#number; empty ones are left out."""

    def rows() -> Iterator[Row]:
        for line, page in json_lines(path):
            yield from _rows(page, path, line)

    return tabled(rows())


def _rows(page: Record, path: Path, line: int) -> Iterator[Row]:
    id = as_text(page.get("wikipedia_id") or page.get("_id"))
    title = field(page, "wikipedia_title", str, path, line)
    for number, text in enumerate(field(page, "text", list, path, line)):
        if cleaned := text.removeprefix("BULLET::::").strip():
            yield f"{id}#{number}", title, cleaned, line
