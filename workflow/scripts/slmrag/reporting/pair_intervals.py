"""The intervals of paired effects, a whole data set's at a time."""

from typing import TYPE_CHECKING

import numpy as np

from slmrag.statistics import bca, constant_interval, interval, student_reach
from slmrag.statistics_paired import cubes, differences

if TYPE_CHECKING:
    from slmrag.reporting.pairs import Pairs

FEWER = 2_000  # resamples of an interval, where there are many pairs
_AT_ONCE = 500


def effect_intervals(found: "Pairs") -> np.ndarray:
    """Return the bounds (2, m) of the primary metric's effects.

    BCa bootstrap; where there are many pairs, those of the third family have Student's interval.
    Equal answers leave the binomial's room, constant differences none.
    """
    board, n = found.board, len(found.board.questions)
    reach = student_reach(n, board.confidence) * found.deviations / max(1, n) ** 0.5
    bounds = np.stack([found.effects - reach, found.effects + reach])
    resampled = ~found.stopping & (found.deviations > 1e-12)
    bounds[:, resampled] = resampled_bounds(found, np.flatnonzero(resampled)).T
    same = (found.deviations <= 1e-12) & (np.abs(found.effects) < 1e-12)
    room = constant_interval(0.0, n, board.confidence)[1] if n else np.nan
    bounds[:, same] = np.array([[-room], [room]])
    return bounds


def resampled_bounds(found: "Pairs", which: np.ndarray) -> np.ndarray:
    """Return BCa bounds (m, 2) of some pairs, from resampled means that all pairs share."""
    board, n = found.board, len(found.board.questions)
    count = min(board.resamples, FEWER) if found.economical else board.resamples
    first, second = found.places[which].T
    sums, squares = differences(board.values, first, second)
    means = sums / n
    third = cubes(board.values, first, second) - 3 * means * squares + 2 * n * means**3
    skews = third / (squares - n * means**2) ** 1.5
    parts = [np.empty((0, 2))]
    for start in range(0, len(which), _AT_ONCE):
        own = slice(start, start + _AT_ONCE)
        drawn = board.means[first[own], :count] - board.means[second[own], :count]
        parts.append(bca(drawn, means[own], skews[own], board.confidence))
    return np.concatenate(parts)


def bounds(difference: np.ndarray, drawn: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the interval of one mean difference; equal answers leave the binomial's room."""
    if difference.any():
        return interval(difference, drawn, confidence)
    reach = constant_interval(0.0, len(difference), confidence)[1]
    return -reach, reach
