"""Which cells differ: paired tests between any two cells of a data set, in three families."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from slmrag.reporting.boards import TESTED, Board
from slmrag.reporting.pair_intervals import effect_intervals
from slmrag.statistics_paired import (
    differences,
    holm,
    mcnemar_tests,
    minimum_detectable_effect,
    permutation_tests,
)

if TYPE_CHECKING:
    import polars as pl

MANY = 2_000  # pairs of a data set; beyond them, shortcuts (see ``Pairs.stopping``)
ENOUGH = 100  # extreme sign flips at which a pair of the third family stops, among many
MODES, MODELS, OTHERS = "modes of one model", "models in one mode", "any other two cells"
FAMILIES = (MODES, MODELS, OTHERS)
EXACT = ("exact_match", "match", "token_match")
NO_DIFFERENCE = "no difference shown"


@dataclass(frozen=True)
class Pairs:
    """Any two cells of a board: (m, 2) ``places``, and the family of each by its number."""

    board: Board
    places: np.ndarray
    family: np.ndarray

    @property
    def economical(self) -> bool:
        """Whether there are so many pairs that some shortcuts are taken."""
        return len(self.places) > MANY

    @property
    def stopping(self) -> np.ndarray:
        """Which pairs' tests stop early and whose intervals are not resampled, (m,)."""
        return (self.family == FAMILIES.index(OTHERS)) & self.economical

    @cached_property
    def effects(self) -> np.ndarray:
        """The primary metric's mean differences, first less second, (m,)."""
        return self.effect(self.board.metric)

    def effect(self, metric: str) -> np.ndarray:
        """Return the mean differences of a metric, first less second, (m,)."""
        if not len(self.places):
            return np.empty(0)
        means = self.board.scores[metric].mean(axis=0)
        return means[self.places[:, 0]] - means[self.places[:, 1]]

    @cached_property
    def deviations(self) -> np.ndarray:
        """The standard deviations of the questions' differences of the primary metric, (m,)."""
        n = len(self.board.questions)
        sums, squares = differences(self.board.values, *self.places.T)
        return np.sqrt(np.maximum(squares - sums**2 / n, 0) / (n - 1))

    def p_values(self, metric: str) -> np.ndarray:
        """Return the p values of a metric: McNemar's for one of 0 and 1, else by sign flips."""
        values = self.board.scores[metric]
        if metric in EXACT:
            return mcnemar_tests(values, self.places)
        flips = self.board.resamples
        enough = np.where(self.stopping, ENOUGH, flips + 1)
        return permutation_tests(values, self.places, flips, self.board.seed, enough)

    def corrected(self, p_values: np.ndarray) -> np.ndarray:
        """Return the p values as Holm adjusts them over each family of the data set."""
        result = np.ones(len(p_values))
        for number in range(len(FAMILIES)):
            own = self.family == number
            result[own] = holm(p_values[own])
        return result


def pairs(board: Board) -> Pairs:
    """Return any two cells of a board; none where it has less than two questions."""
    k = len(board.cells) if len(board.questions) > 1 else 0
    first, second = np.triu_indices(k, 1)
    models, modes = (
        np.unique([getattr(cell, name) for cell in board.cells], return_inverse=True)[1]
        for name in ("model", "mode")
    )
    shared = [models[first] == models[second], modes[first] == modes[second]]
    family = np.select(shared, [0, 1], FAMILIES.index(OTHERS))
    return Pairs(board, np.stack([first, second], axis=1), family)


def tests(board: Board) -> "pl.DataFrame":
    """Return one row a pair: names, effect with its interval, p values, verdict, detectable."""
    import polars as pl

    found, metric = pairs(board), board.metric
    p_values, intervals = found.p_values(metric), effect_intervals(found)
    rows = pl.DataFrame(
        {
            "family": pl.Series(FAMILIES, dtype=pl.String).gather(found.family),
            **names(board, found.places),
            "n": np.full(len(found.places), len(board.questions), dtype=np.int64),
            "effect": found.effects,
            **{
                f"effect_{end}": values
                for end, values in zip(("low", "high"), intervals, strict=True)
            },
            "p": p_values,
            "p_holm": found.corrected(p_values),
            "detectable": minimum_detectable_effect(
                found.deviations, len(board.questions), board.confidence
            ),
            **others(found),
        }
    )
    return rows.select(
        pl.lit(board.dataset).alias("dataset"),
        *rows.columns[: rows.columns.index("detectable")],
        verdict(1 - board.confidence),
        *rows.columns[rows.columns.index("detectable") :],
    )


def names(board: Board, places: np.ndarray) -> "dict[str, pl.Series]":
    """Return the columns that name both cells of each pair."""
    import polars as pl

    found = {}
    for side, own in zip(("first", "second"), places.T, strict=True):
        for name in ("model", "mode"):
            labels = pl.Series([getattr(cell, name) for cell in board.cells], dtype=pl.String)
            found[f"{side}_{name}"] = labels.gather(own)
    return found


def others(found: Pairs) -> dict[str, np.ndarray]:
    """Return effect, p value and corrected p value of each further metric."""
    columns = {}
    for metric in other_metrics(found.board.metric):
        p_values = found.p_values(metric)
        columns |= {
            f"effect_{metric}": found.effect(metric),
            f"p_{metric}": p_values,
            f"p_holm_{metric}": found.corrected(p_values),
        }
    return columns


def other_metrics(primary: str) -> Sequence[str]:
    """Return the metrics that are tested beside the primary one."""
    return [name for name in TESTED if name != primary]


def verdict(level: float) -> "pl.Expr":
    """Say in words what the primary metric's corrected test shows."""
    import polars as pl

    first, second = (
        pl.when(pl.col("family") == MODES)
        .then(f"{side}_mode")
        .when(pl.col("family") == MODELS)
        .then(f"{side}_model")
        .otherwise(pl.format("{} with {}", f"{side}_model", f"{side}_mode"))
        for side in ("first", "second")
    )
    better = pl.format("{} is better", pl.when(pl.col("effect") > 0).then(first).otherwise(second))
    shown = pl.when(pl.col("p_holm") < level).then(better).otherwise(pl.lit(NO_DIFFERENCE))
    return shown.alias("verdict")
