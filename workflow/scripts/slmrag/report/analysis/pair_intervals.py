"""The intervals of paired effects, a whole data set's at a time."""

from typing import TYPE_CHECKING

import numpy as np

from slmrag.scoring.bootstrap import (
    bca_interval,
    bca_intervals,
    constant_interval,
    student_quantile,
)
from slmrag.scoring.paired_tests import cubed_difference_sums, difference_sums

if TYPE_CHECKING:
    from slmrag.report.analysis.pairs import Pairs

FEWER = 2_000  # resamples of an interval, where there are many pairs
_AT_ONCE = 500


def effect_intervals(found: "Pairs", metric: str) -> np.ndarray:
    """Return the bounds (2, m) of a metric's effects: BCa bootstrap or Student's.

    Equal answers leave the binomial's room, constant differences none.
    """
    board, n = found.board, len(found.board.questions)
    effects, deviations = found.effect(metric), found.deviation(metric)
    reach = student_quantile(n, board.confidence) * deviations / max(1, n) ** 0.5
    bounds = np.stack([effects - reach, effects + reach])
    resampled = found.resampled(metric) & (deviations > 1e-12)
    if resampled.any():
        bounds[:, resampled] = resampled_bounds(found, metric, np.flatnonzero(resampled)).T
    same = (deviations <= 1e-12) & (np.abs(effects) < 1e-12)
    room = constant_interval(0.0, n, board.confidence)[1] if n else np.nan
    bounds[:, same] = np.array([[-room], [room]])
    return bounds


def resampled_bounds(found: "Pairs", metric: str, which: np.ndarray) -> np.ndarray:
    """Return BCa bounds (m, 2) of some pairs, from resampled means that all pairs share."""
    board, n = found.board, len(found.board.questions)
    values, resampled = board.scores[metric], board.resampled(metric)
    count = min(board.resamples, FEWER) if found.economical else board.resamples
    first, second = found.places[which].T
    sums, squares = difference_sums(values, first, second)
    means = sums / n
    third = cubed_difference_sums(values, first, second) - 3 * means * squares + 2 * n * means**3
    skews = third / (squares - n * means**2) ** 1.5
    parts = [np.empty((0, 2))]
    for start in range(0, len(which), _AT_ONCE):
        own = slice(start, start + _AT_ONCE)
        drawn = resampled[first[own], :count] - resampled[second[own], :count]
        parts.append(bca_intervals(drawn, means[own], skews[own], board.confidence))
    return np.concatenate(parts)


def bounds(difference: np.ndarray, drawn: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the interval of one mean difference; equal answers leave the binomial's room."""
    if difference.any():
        return bca_interval(difference, drawn, confidence)
    reach = constant_interval(0.0, len(difference), confidence)[1]
    return -reach, reach
