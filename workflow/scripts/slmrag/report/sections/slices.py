"""The primary metric by kinds of questions: length of the answer, question word, flags."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.score_matrix import Board, named
from slmrag.report.analysis.slices import answer_length, flags, question_word, share
from slmrag.report.page.tables import CELL, Column, Table, table

Classes = dict[str, list[str]]
LABELS = {"overlap": "overlap with the train set"}
KNOWN_COLUMNS = {"question_id", "question", "answers", "gold"}


def slice_tables(experiment: Experiment, boards: Sequence[Board]) -> list[Table]:
    """Return one table a way to slice."""
    return [sliced(boards, *each) for each in kinds(experiment, boards)]


def kinds(experiment: Experiment, boards: Sequence[Board]) -> list[tuple[str, str, Classes]]:
    """Return the ways to slice: id, name, and each data set's class of every question."""
    found: dict[str, Classes] = {}
    for board in boards:
        path = experiment.questions.get((board.dataset,))
        for name, values in classes(path, board).items() if path else ():
            found.setdefault(name, {})[board.dataset] = values
    several = [
        name for name, kinds in found.items() if len({c for v in kinds.values() for c in v}) > 1
    ]
    return [(f"slices-{i}", name, found[name]) for i, name in enumerate(several)]


def classes(path: Path, board: Board) -> dict[str, list[str]]:
    """Return the class of each question of a board by each way to slice that its table allows."""
    import polars as pl

    frame = pl.DataFrame({"question_id": board.questions}, schema={"question_id": pl.String})
    frame = frame.join(pl.read_parquet(path), on="question_id", how="left", maintain_order="left")
    lengths = [answer_length(answers or []) for answers in frame["answers"].to_list()]
    words = [question_word(question or "") for question in frame["question"].to_list()]
    plain = [c for c in frame if c.name not in KNOWN_COLUMNS and not c.dtype.is_nested()]
    found = {"length of the shortest reference": lengths, "question word": words}
    named = {LABELS.get(column.name, column.name): column.to_list() for column in plain}
    return found | {f"{n} (column)" if n in found else n: v for n, v in flags(named).items()}


def sliced(boards: Sequence[Board], id: str, name: str, kinds: Classes) -> Table:
    """Return the primary metric by one kind of question."""
    labels = sorted({value for values in kinds.values() for value in values})
    rows = [
        named(board, place) | means(board.values[:, place], np.array(kinds[board.dataset]), labels)
        for board in boards
        for place in range(len(board.cells))
        if board.dataset in kinds
    ]
    columns = [Column(key(label), label, "share") for label in labels]
    sizes = ", ".join(f"{label}: {sum(v.count(label) for v in kinds.values())}" for label in labels)
    caption = f"Mean by {name}"
    return table(
        id, caption, [*CELL, *columns], rows, "dataset", "mode", note=f"Questions: {sizes}."
    )


def means(
    values: np.ndarray, classes: np.ndarray, labels: Sequence[str]
) -> dict[str, float | None]:
    """Return the mean of each class of questions."""
    return {key(label): share(values, classes == label) for label in labels}


def key(label: str) -> str:
    """Return a class's column: never that of a cell's name, whatever the class is called."""
    return f"{label}:"
