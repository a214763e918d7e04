"""Examples of each failure of form: what was asked, what was written, and by which cell."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from slmrag.config.redaction import clean_text
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.score_matrix import Board, named
from slmrag.report.page.tables import CELL, Column, Table, table
from slmrag.report.sections.refused_prompts import words
from slmrag.scoring.failure_classes import FAILURE_NAMES

EACH, LONGEST = 3, 160
LABELS = {
    name: name.replace("_", " ").replace("run on", "run-on").capitalize() for name in FAILURE_NAMES
}
LABELS["refused"] = "Refused by endpoint"


def examples(experiment: Experiment, boards: Sequence[Board]) -> Table:
    """Return the table of up to three answers of each class and data set, from different cells."""
    rows = [
        {"dataset": board.dataset, "failure": LABELS[name], **row}
        for board in boards
        for name in FAILURE_NAMES
        for row in of_class(experiment, board, name)
    ]
    columns = [
        Column("failure", "Failure"),
        *CELL,
        Column("question", "Question", long=True),
        Column("answer", "Answer", long=True),
        Column("wrote", "All that it wrote, if more", long=True),
        Column("right", "Right"),
    ]
    caption = "Examples of the failures of form"
    return table("failure-examples", caption, columns, rows, "failure", "dataset")


def of_class(experiment: Experiment, board: Board, name: str) -> Iterator[dict[str, Any]]:
    """Yield examples of one class: the first of each of the cells that have most of them."""
    found = board.failures == name
    counts = found.sum(axis=0)
    order = [place for place in np.argsort(-counts, kind="stable") if counts[place]]
    for turn, place in enumerate((order * EACH)[:EACH] if order else ()):
        own = np.flatnonzero(found[:, place])
        if turn // len(order) < len(own):
            yield example(experiment, board, int(place), int(own[turn // len(order)]))


def example(experiment: Experiment, board: Board, place: int, question: int) -> dict[str, Any]:
    """Return one answer as a row."""
    id, cell = board.questions[question], board.cells[place]
    asked = row_of(experiment.questions.get((board.dataset,)), id, "question")
    said = row_of(cell.answers, id, "raw_answer", "answer", "refusal")
    answer, wrote = (clip(said.get(name) or "") for name in ("answer", "raw_answer"))
    return {
        **named(board, place),
        "question": clip(f"{id}: {asked.get('question') or ''}"),
        "answer": answer or "(empty)",
        "wrote": clip(words(said)) or (None if wrote == answer else wrote),
        "right": "yes" if board.right[question, place] else "no",
    }


def row_of(path: Any, id: str, *columns: str) -> dict[str, Any]:
    """Return some columns of a table's row of one question, nothing where it is absent."""
    import polars as pl

    if path is None:
        return {}
    table = pl.scan_parquet(path).filter(pl.col("question_id") == id)
    rows = table.select(name for name in table.collect_schema() if name in columns).collect()
    return rows.row(0, named=True) if rows.height else {}


def clip(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    line = clean_text(" ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}\u2026"
