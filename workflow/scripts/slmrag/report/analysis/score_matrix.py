"""The scores of one data set side by side: a row a question, a column a cell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.report.analysis.experiment import Cell, Experiment
from slmrag.scoring.bootstrap import bootstrap_means

if TYPE_CHECKING:
    import polars as pl

TESTED_METRICS = ("token_recall", "f1", "exact_match", "match")
CORRECTNESS_METRIC = "token_match"


@dataclass(frozen=True)
class ScoreMatrix:
    """The scores of one data set's cells on the n questions that all of them answered.

    ``scores`` has an (n, k) array a metric; ``has_answer`` is 1, 0 or NaN where it is not known;
    ``gold_rank`` is 0 where no gold passage was shown; ``failures`` has each answer's class or "";
    ``pairs_in_report`` counts the pairs of cells in all data sets.
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
    pairs_in_report: int = 0

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether each answer holds a reference as whole tokens, (n, k)."""
        correct: np.ndarray = self.scores[CORRECTNESS_METRIC] == 1
        return correct

    @property
    def values(self) -> np.ndarray:
        """The scores of the primary metric, (n, k)."""
        return self.scores[self.metric]

    @cached_property
    def resampled_means(self) -> np.ndarray:
        """Resampled means of the primary metric, (k, resamples), over the same questions."""
        means = bootstrap_means(self.values, self.resamples, self.seed)
        return np.ascontiguousarray(means.T)

    def resampled_means_of(self, metric: str) -> np.ndarray:
        """Return the resampled means of a metric, with the same resamples as the primary one."""
        if metric == self.metric:
            return self.resampled_means
        means = bootstrap_means(self.scores[metric], self.resamples, self.seed)
        return means.T

    def means_of(self, metric: str) -> np.ndarray:
        """Return each cell's mean of a metric, (k,)."""
        means: np.ndarray = self.scores[metric].mean(axis=0)
        return means

    def telling_questions(self, count: int) -> list[int]:
        """Return the rows of about ``count`` questions: half those on which cells differ most.

        The other half is evenly spread.
        """
        total = len(self.questions)
        if count >= total:
            return list(range(total))
        spread = np.argsort(-self.values.std(axis=1), kind="stable")[: count // 2]
        even = np.linspace(0, total - 1, count - len(spread)).astype(int)
        return sorted({*spread.tolist(), *even.tolist()})

    def column(self, model: str, mode: str) -> int | None:
        """Return the column of a cell, or None where it is missing."""
        return self._columns.get((model, mode))

    @cached_property
    def _columns(self) -> dict[tuple[str, str], int]:
        return {(cell.model, cell.mode): column for column, cell in enumerate(self.cells)}

    def cell_names(self, column: int) -> dict[str, Any]:
        """Return the names of a column's cell."""
        cell = self.cells[column]
        return {"dataset": self.dataset, "model": cell.model, "mode": cell.mode}


def share(true: np.ndarray, among: np.ndarray) -> float | None:
    """Return the mean of ``true`` over the questions ``among``, None where there is none."""
    return float(true[among].mean()) if among.any() else None


def score_matrices(experiment: Experiment) -> list[ScoreMatrix]:
    """Return one matrix for each data set that has scored cells."""
    cells = Counter(cell.dataset for cell in experiment.scored)
    pairs = sum(map(pair_count, cells.values()))
    return [replace(score_matrix(experiment, name), pairs_in_report=pairs) for name in cells]


def pair_count(cells: int) -> int:
    """Return the number of pairs of so many cells."""
    return cells * (cells - 1) // 2


def empty_score_matrix(experiment: Experiment) -> ScoreMatrix:
    """Return a matrix without cells."""
    metrics = (experiment.primary, *TESTED_METRICS, CORRECTNESS_METRIC)
    empty = dict.fromkeys(metrics, np.empty((0, 0)))
    return nameless_score_matrix(empty, experiment.primary, experiment.metrics)


def nameless_score_matrix(
    scores: dict[str, np.ndarray], metric: str, settings: Mapping[str, Any]
) -> ScoreMatrix:
    """Return a matrix of scores alone: its cells and questions have no names, contexts, failures.

    ``settings`` are the config's ``metrics``.
    """
    n, k = scores[metric].shape
    return ScoreMatrix(
        "", metric, settings["confidence"], [Cell("", "", "")] * k, [""] * n, scores,
        np.full((n, k), np.nan), np.zeros((n, k), dtype=int), np.full((n, k), ""),
        settings["bootstrap"], settings.get("seed") or 0,
    )  # fmt: skip


def score_matrix(experiment: Experiment, dataset: str) -> ScoreMatrix:
    """Align the cells of one data set on the questions that all of them answered."""
    import polars as pl

    metrics = tuple(dict.fromkeys((experiment.primary, *TESTED_METRICS, CORRECTNESS_METRIC)))
    cells = [cell for cell in experiment.scored if cell.dataset == dataset]
    columns = ["question_id", *metrics, "has_answer", "gold_rank", "failure"]
    frames = [pl.read_parquet(cell.scores, columns=columns) for cell in cells if cell.scores]
    finite = [frame.filter(pl.all_horizontal(pl.col(metrics).is_finite())) for frame in frames]
    shared = common_ids([frame["question_id"] for frame in finite])
    frames = [align_rows(frame, shared) for frame in finite]

    def stacked(name: str, fill: int | str | None = None) -> np.ndarray:
        values = [frame[name] if fill is None else frame[name].fill_null(fill) for frame in frames]
        return np.column_stack([value.to_numpy() for value in values])

    return ScoreMatrix(
        dataset,
        experiment.primary,
        experiment.metrics["confidence"],
        cells,
        shared.to_list(),
        {name: stacked(name) for name in metrics},
        np.column_stack([frame["has_answer"].cast(pl.Float32).to_numpy() for frame in frames]),
        stacked("gold_rank", 0),
        stacked("failure", ""),
        experiment.metrics["bootstrap"],
        experiment.metrics.get("seed") or 0,
        max(cell.summary["n"] for cell in cells) - len(shared),
    )


def common_ids(columns: "Sequence[pl.Series]") -> "pl.Series":
    """Return the ids that stand in every column, in the order of the first."""
    first, *others = columns
    for other in others:
        if not first.equals(other):
            first = first.filter(first.is_in(other.implode()))
    return first


def align_rows(frame: "pl.DataFrame", ids: "pl.Series") -> "pl.DataFrame":
    """Return the rows of ``ids``, in their order."""
    if frame["question_id"].equals(ids):
        return frame
    return ids.to_frame().join(frame, on="question_id", how="left", maintain_order="left")
