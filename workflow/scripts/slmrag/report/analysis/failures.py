"""How often each failure class occurs, and which answers are examples of it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from slmrag.report.analysis.score_matrix import ScoreMatrix, share
from slmrag.scoring.failure_classes import FAILURE_NAMES

EXAMPLES_PER_CLASS = 3


def failure_rows(matrices: Sequence[ScoreMatrix]) -> list[dict[str, Any]]:
    """Return one row a cell: the count of each class, and how many failures are correct anyway."""
    return [
        matrix.cell_names(column)
        | counts_by_class(matrix.failures[:, column], matrix.correct[:, column])
        for matrix in matrices
        for column in range(len(matrix.cells))
    ]


def counts_by_class(failures: np.ndarray, correct: np.ndarray) -> dict[str, Any]:
    """Return the counts of a cell's failure classes, (n,) each, and the share that is correct."""
    counts = {name: int((failures == name).sum()) for name in FAILURE_NAMES}
    failed = failures != ""
    return counts | {"sound": int((~failed).sum()), "right_despite": share(correct, failed)}


def examples_of_class(matrix: ScoreMatrix, name: str) -> Iterator[tuple[int, int]]:
    """Yield question and column of up to three answers of a class, from the cells with most."""
    found = matrix.failures == name
    counts = found.sum(axis=0)
    order = [int(column) for column in np.argsort(-counts, kind="stable") if counts[column]]
    for turn, column in enumerate((order * EXAMPLES_PER_CLASS)[:EXAMPLES_PER_CLASS]):
        own = np.flatnonzero(found[:, column])
        if turn // len(order) < len(own):
            yield int(own[turn // len(order)]), column
