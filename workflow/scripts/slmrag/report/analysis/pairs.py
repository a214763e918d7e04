"""Paired tests between any two cells of a data set, in three families."""

from dataclasses import dataclass

import numpy as np

from slmrag.report.analysis.score_matrix import ScoreMatrix, pair_count
from slmrag.scoring.paired_tests import difference_sums, holm, mcnemar_tests, permutation_tests

MANY_PAIRS = 4_000  # pairs of all data sets; beyond them, shortcuts (see ``Pairs.stops_early``)
ENOUGH_EXTREME_FLIPS = 100  # at which a pair of the third family stops, among many pairs
MODES_OF_A_MODEL = "modes of one model"
MODELS_IN_A_MODE = "models in one mode"
OTHER_PAIRS = "any other two cells"
FAMILIES = (MODES_OF_A_MODEL, MODELS_IN_A_MODE, OTHER_PAIRS)
BINARY_METRICS = ("exact_match", "match", "token_match")
NO_DIFFERENCE = "no difference shown"


@dataclass(frozen=True)
class Pairs:
    """All pairs of cells of a matrix: (m, 2) ``columns``, and the number of each pair's family."""

    matrix: ScoreMatrix
    columns: np.ndarray
    family: np.ndarray

    @property
    def many(self) -> bool:
        """Whether there are so many pairs that shortcuts are taken."""
        return has_many_pairs(self.matrix)

    @property
    def stops_early(self) -> np.ndarray:
        """Which pairs' tests stop early, (m,)."""
        others: np.ndarray = self.family == FAMILIES.index(OTHER_PAIRS)
        return others & self.many

    def is_resampled(self, metric: str) -> np.ndarray:
        """Return which pairs' intervals of a metric are resampled, (m,); the rest are Student's."""
        return ~self.stops_early & (metric == self.matrix.metric or not self.many)

    def effect(self, metric: str) -> np.ndarray:
        """Return the mean differences of a metric, first minus second, (m,)."""
        if not len(self.columns):
            return np.empty(0)
        means = self.matrix.means_of(metric)
        effect: np.ndarray = means[self.columns[:, 0]] - means[self.columns[:, 1]]
        return effect

    def deviation(self, metric: str) -> np.ndarray:
        """Return the standard deviations of the questions' differences of a metric, (m,)."""
        n = len(self.matrix.questions)
        sums, squares = difference_sums(self.matrix.scores[metric], *self.columns.T)
        return np.sqrt(np.maximum(squares - sums**2 / n, 0) / (n - 1))

    def p_values(self, metric: str) -> np.ndarray:
        """Return the p values of a metric: McNemar's for a binary one, else by permutation."""
        values = self.matrix.scores[metric]
        if metric in BINARY_METRICS:
            return mcnemar_tests(values, self.columns)
        flips = self.matrix.resamples
        enough = np.where(self.stops_early, ENOUGH_EXTREME_FLIPS, flips + 1)
        return permutation_tests(values, self.columns, flips, self.matrix.seed, enough)

    def corrected(self, p_values: np.ndarray) -> np.ndarray:
        """Return the p values as Holm adjusts them over each family of the data set."""
        result = np.ones(len(p_values))
        for number in range(len(FAMILIES)):
            own = self.family == number
            result[own] = holm(p_values[own])
        return result


def has_many_pairs(matrix: ScoreMatrix) -> bool:
    """Return whether a report has so many pairs that shortcuts are taken."""
    return max(matrix.pairs_in_report, pair_count(len(matrix.cells))) > MANY_PAIRS


def find_pairs(matrix: ScoreMatrix) -> Pairs:
    """Return all pairs of cells of a matrix; none if it has fewer than two questions."""
    k = len(matrix.cells) if len(matrix.questions) > 1 else 0
    first, second = np.triu_indices(k, 1)
    models, modes = (
        np.unique([getattr(cell, name) for cell in matrix.cells], return_inverse=True)[1]
        for name in ("model", "mode")
    )
    shared = [models[first] == models[second], modes[first] == modes[second]]
    family = np.select(shared, [0, 1], FAMILIES.index(OTHER_PAIRS))
    return Pairs(matrix, np.stack([first, second], axis=1), family)
