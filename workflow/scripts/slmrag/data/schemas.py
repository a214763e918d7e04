"""What readers yield: questions one by one, passages in tables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import polars as pl

PASSAGES = pl.Schema({"id": pl.String, "title": pl.String, "text": pl.String})
PASSAGES_WITH_LINE = pl.Schema([*PASSAGES.items(), ("line", pl.UInt32())])
GOLD = pl.List(pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String}))
QUESTIONS = pl.Schema(
    {
        "question_id": pl.String(),
        "question": pl.String(),
        "answers": pl.List(pl.String),
        "gold": GOLD,
    }
)
TABLE_ROWS = 10_000
"""Rows per table: enough to be fast, few enough for little memory."""

Row = tuple[str, str, str, int]
"""id, title, text, line."""


@dataclass
class Question:
    """A question as its file has it; ``question_id`` is empty if the format has none.

    ``numbered`` means that its id is its number in the set.
    """

    question: str
    answers: list[str]
    line: int
    question_id: str = ""
    gold: list[dict[str, str]] = field(default_factory=list)
    gold_ids: list[str] = field(default_factory=list)
    numbered: bool = False


def passage(id: str, title: str, text: str) -> dict[str, str]:
    """Return a gold passage."""
    return {"id": id, "title": title, "text": text}


def to_tables(rows: Iterable[Row]) -> Iterator[pl.DataFrame]:
    """Gather passages into tables."""
    rows = iter(rows)
    while batch := list(islice(rows, TABLE_ROWS)):
        yield pl.DataFrame(batch, schema=PASSAGES_WITH_LINE, orient="row")
