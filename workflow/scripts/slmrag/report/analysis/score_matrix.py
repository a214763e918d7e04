"""The scores of one data set side by side: a row a question, a column a cell."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from slmrag.report.analysis.experiment import Cell, Experiment
from slmrag.scoring.bootstrap import bootstrap_means

TESTED = ("token_recall", "f1", "exact_match", "match")
RIGHT = "token_match"
UNKNOWN = -1


@dataclass(frozen=True)
class Board:
    """What cells of one data set scored on the questions that they all answered.

    ``scores`` has an (n, k) array a metric; ``has_answer`` is 1, 0 or UNKNOWN; ``gold_rank`` is 0
    where no gold passage was shown; ``failures`` has each answer's class or ""; ``crowd`` is the
    number of pairs of cells in all boards.
    """

    dataset: str
    metric: str
    confidence: float
    cells: Sequence[Cell]
    questions: Sequence[str]
    scores: dict[str, np.ndarray]
    has_answer: np.ndarray
    gold_rank: np.ndarray
    failures: np.ndarray
    resamples: int
    seed: int
    left_out: int = 0
    crowd: int = 0

    @cached_property
    def right(self) -> np.ndarray:
        """Whether each answer holds a reference as whole tokens: what known and fixed go by."""
        return self.scores[RIGHT] == 1

    @property
    def values(self) -> np.ndarray:
        """The scores of the primary metric."""
        return self.scores[self.metric]

    @cached_property
    def means(self) -> np.ndarray:
        """Resampled means of the primary metric, (k, resamples), over the same questions."""
        means = bootstrap_means(self.values, self.resamples, self.seed)
        return np.ascontiguousarray(means.T)

    def resampled(self, metric: str) -> np.ndarray:
        """Return the resampled means of a metric, over the resamples of the primary one."""
        if metric == self.metric:
            return self.means
        return bootstrap_means(self.scores[metric], self.resamples, self.seed).T

    def column(self, model: str, mode: str) -> int | None:
        """Return the place of a cell, or None where it is missing."""
        return self._places.get((model, mode))

    @cached_property
    def _places(self) -> dict[tuple[str, str], int]:
        return {(cell.model, cell.mode): place for place, cell in enumerate(self.cells)}


def named(board: Board, place: int) -> dict[str, Any]:
    """Return the names of a cell."""
    cell = board.cells[place]
    return {"dataset": board.dataset, "model": cell.model, "mode": cell.mode}


def boards(experiment: Experiment) -> list[Board]:
    """Return one board a data set that has scored cells."""
    names = Counter(cell.dataset for cell in experiment.scored)
    crowd = sum(map(count, names.values()))
    return [replace(board(experiment, name), crowd=crowd) for name in names]


def count(cells: int) -> int:
    """Return how many pairs some cells have."""
    return cells * (cells - 1) // 2


def nothing(experiment: Experiment) -> Board:
    """Return a board without cells."""
    empty = np.empty((0, 0))
    scores = dict.fromkeys((experiment.primary, *TESTED, RIGHT), empty)
    settings = experiment.metrics
    return Board(
        "", experiment.primary, settings["confidence"], [], [], scores, empty, empty, empty,
        settings["bootstrap"], settings.get("seed") or 0,
    )  # fmt: skip


def board(experiment: Experiment, dataset: str) -> Board:
    """Align the cells of one data set on the questions that all of them answered."""
    import polars as pl

    metrics = tuple(dict.fromkeys((experiment.primary, *TESTED, RIGHT)))
    cells = [cell for cell in experiment.scored if cell.dataset == dataset]
    columns = ["question_id", *metrics, "has_answer", "gold_rank", "failure"]
    frames = [pl.read_parquet(cell.scores, columns=columns) for cell in cells]
    sound = [frame.filter(pl.all_horizontal(pl.col(metrics).is_finite())) for frame in frames]
    shared = common([frame["question_id"] for frame in sound])
    frames = [aligned(frame, shared) for frame in sound]

    def stacked(name: str, fill: object = None) -> np.ndarray:
        values = [frame[name] if fill is None else frame[name].fill_null(fill) for frame in frames]
        return np.column_stack([value.to_numpy() for value in values])

    return Board(
        dataset,
        experiment.primary,
        experiment.metrics["confidence"],
        cells,
        shared.to_list(),
        {name: stacked(name) for name in metrics},
        np.column_stack(
            [f["has_answer"].cast(pl.Int8).fill_null(UNKNOWN).to_numpy() for f in frames]
        ),
        stacked("gold_rank", 0),
        stacked("failure", ""),
        experiment.metrics["bootstrap"],
        experiment.metrics.get("seed") or 0,
        max(cell.summary["n"] for cell in cells) - len(shared),
    )


def common(columns: Sequence[object]) -> "object":
    """Return the ids that stand in every column, in the order of the first."""
    first, *others = columns
    for other in others:
        if not first.equals(other):
            first = first.filter(first.is_in(other.implode()))
    return first


def aligned(frame: object, ids: object) -> "object":
    """Return the rows of ``ids``, in their order."""
    if frame["question_id"].equals(ids):
        return frame
    return ids.to_frame().join(frame, on="question_id", how="left", maintain_order="left")
