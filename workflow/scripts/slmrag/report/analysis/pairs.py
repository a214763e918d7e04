"""Which cells differ: paired tests between any two cells of a data set, in three families."""

from dataclasses import dataclass

import numpy as np

from slmrag.report.analysis.score_matrix import Board, count
from slmrag.scoring.paired_tests import difference_sums, holm, mcnemar_tests, permutation_tests

MANY = 4_000  # pairs of all data sets; beyond them, shortcuts (see ``Pairs.stopping``)
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
        return many(self.board)

    @property
    def stopping(self) -> np.ndarray:
        """Which pairs' tests stop early, (m,)."""
        return (self.family == FAMILIES.index(OTHERS)) & self.economical

    def resampled(self, metric: str) -> np.ndarray:
        """Return which pairs' intervals of a metric are resampled, (m,); the rest are Student's."""
        return ~self.stopping & (metric == self.board.metric or not self.economical)

    def effect(self, metric: str) -> np.ndarray:
        """Return the mean differences of a metric, first less second, (m,)."""
        if not len(self.places):
            return np.empty(0)
        means = self.board.scores[metric].mean(axis=0)
        return means[self.places[:, 0]] - means[self.places[:, 1]]

    def deviation(self, metric: str) -> np.ndarray:
        """Return the standard deviations of the questions' differences of a metric, (m,)."""
        n = len(self.board.questions)
        sums, squares = difference_sums(self.board.scores[metric], *self.places.T)
        return np.sqrt(np.maximum(squares - sums**2 / n, 0) / (n - 1))

    def p_values(self, metric: str) -> np.ndarray:
        """Return the p values of a metric: McNemar's for one of 0 and 1, else by sign flips."""
        values = self.board.scores[metric]
        if metric in EXACT:
            return mcnemar_tests(values, self.places)
        flips = self.board.resamples
        enough_extreme = np.where(self.stopping, ENOUGH, flips + 1)
        return permutation_tests(values, self.places, flips, self.board.seed, enough_extreme)

    def corrected(self, p_values: np.ndarray) -> np.ndarray:
        """Return the p values as Holm adjusts them over each family of the data set."""
        result = np.ones(len(p_values))
        for number in range(len(FAMILIES)):
            own = self.family == number
            result[own] = holm(p_values[own])
        return result


def many(board: Board) -> bool:
    """Tell whether a report has more pairs than are tested at leisure."""
    return max(board.crowd, count(len(board.cells))) > MANY


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
