"""The primary metric by slices of the questions: answer length, question word, small columns.

Every way to slice gives each question of a data set one class.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slmrag.data.normalize import tokens
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.score_matrix import ScoreMatrix, share

QUESTION_WORDS = ("who", "what", "when", "where", "which", "why", "how")
COLUMN_LABELS = {"overlap": "overlap with the train set"}
KNOWN_COLUMNS = {"question_id", "question", "answers", "gold"}
MAX_CLASSES = 8  # more would be a table too wide to read
_WORD = re.compile(r"[a-z]+")


class Slicing(NamedTuple):
    """One way to slice: its name, its classes with their numbers of questions, and a row a cell.

    A row has the mean of the primary metric of each class under ``class_key``.
    """

    name: str
    sizes: Mapping[str, int]
    rows: list[dict[str, Any]]


def slicings(experiment: Experiment, matrices: Sequence[ScoreMatrix]) -> list[Slicing]:
    """Return the ways to slice with at least two classes of questions."""
    found: dict[str, dict[str, list[str]]] = {}
    for matrix in matrices:
        path = experiment.questions.get((matrix.dataset,))
        for name, values in question_classes(path, matrix).items() if path else ():
            found.setdefault(name, {})[matrix.dataset] = values
    every = [slice_by(name, kinds, matrices) for name, kinds in found.items()]
    return [slicing for slicing in every if len(slicing.sizes) > 1]


def slice_by(
    name: str, kinds: Mapping[str, Sequence[str]], matrices: Sequence[ScoreMatrix]
) -> Slicing:
    """Return the means of each class; ``kinds`` has each data set's class of every question."""
    labels = sorted({label for classes in kinds.values() for label in classes})
    sizes = {label: sum(list(own).count(label) for own in kinds.values()) for label in labels}
    rows = [
        matrix.cell_names(column) | class_means(matrix.values[:, column], classes, labels)
        for matrix in matrices
        if matrix.dataset in kinds
        for classes in [np.array(kinds[matrix.dataset])]
        for column in range(len(matrix.cells))
    ]
    return Slicing(name, sizes, rows)


def class_means(
    values: np.ndarray, classes: np.ndarray, labels: Sequence[str]
) -> dict[str, float | None]:
    """Return the mean of each class of questions."""
    return {class_key(label): share(values, classes == label) for label in labels}


def class_key(label: str) -> str:
    """Return a class's column, distinct from the columns of cell names."""
    return f"{label}:"


def question_classes(path: Path, matrix: ScoreMatrix) -> dict[str, list[str]]:
    """Return the class of each question by each way to slice that the questions' table allows."""
    import polars as pl

    frame = pl.DataFrame({"question_id": matrix.questions}, schema={"question_id": pl.String})
    frame = frame.join(pl.read_parquet(path), on="question_id", how="left", maintain_order="left")
    lengths = [answer_length(answers or []) for answers in frame["answers"].to_list()]
    words = [question_word(question or "") for question in frame["question"].to_list()]
    plain = [c for c in frame if c.name not in KNOWN_COLUMNS and not c.dtype.is_nested()]
    found = {"length of the shortest reference": lengths, "question word": words}
    named = {COLUMN_LABELS.get(column.name, column.name): column.to_list() for column in plain}
    few = columns_of_few_values(named)
    return found | {f"{n} (column)" if n in found else n: values for n, values in few.items()}


def answer_length(answers: Sequence[str]) -> str:
    """Return the number of tokens of the shortest reference, in classes."""
    shortest = min((len(tokens(answer)) for answer in answers), default=0)
    if shortest <= 2:
        return f"{max(shortest, 1)} token{'s' if shortest > 1 else ''}"
    return "3 or 4 tokens" if shortest <= 4 else "5 tokens or more"


def question_word(question: str) -> str:
    """Return the first question word of the question, or "other"."""
    return next(
        (word for word in _WORD.findall(question.lower()) if word in QUESTION_WORDS), "other"
    )


def columns_of_few_values(
    columns: Mapping[str, Sequence[Any]], most: int = MAX_CLASSES
) -> dict[str, list[str]]:
    """Return the columns that have at least two values and at most ``most``, as texts."""
    found = {
        name: ["none" if v is None else str(v) for v in values] for name, values in columns.items()
    }
    return {name: values for name, values in found.items() if 1 < len(set(values)) <= most}
