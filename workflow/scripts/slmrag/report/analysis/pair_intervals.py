"""The intervals of paired effects, for a whole data set at once."""

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

FEWER_RESAMPLES = 2_000  # of an interval, where there are many pairs
_PAIRS_AT_ONCE = 500


def effect_intervals(pairs: "Pairs", metric: str) -> np.ndarray:
    """Return the bounds (2, m) of a metric's effects: BCa bootstrap or Student's.

    Where all answers score alike, the bounds are those of a binomial share of 0; where the
    differences are constant, both bounds are the effect.
    """
    matrix, n = pairs.matrix, len(pairs.matrix.questions)
    effects, deviations = pairs.effect(metric), pairs.deviation(metric)
    reach = student_quantile(n, matrix.confidence) * deviations / max(1, n) ** 0.5
    bounds = np.stack([effects - reach, effects + reach])
    resampled = pairs.is_resampled(metric) & (deviations > 1e-12)
    if resampled.any():
        bounds[:, resampled] = resampled_bounds(pairs, metric, np.flatnonzero(resampled)).T
    same = (deviations <= 1e-12) & (np.abs(effects) < 1e-12)
    room = constant_interval(0.0, n, matrix.confidence)[1] if n else np.nan
    bounds[:, same] = np.array([[-room], [room]])
    return bounds


def resampled_bounds(pairs: "Pairs", metric: str, which: np.ndarray) -> np.ndarray:
    """Return BCa bounds (m, 2) of some pairs, from resampled means that all pairs share."""
    matrix, n = pairs.matrix, len(pairs.matrix.questions)
    values, resampled = matrix.scores[metric], matrix.resampled_means_of(metric)
    count = min(matrix.resamples, FEWER_RESAMPLES) if pairs.many else matrix.resamples
    first, second = pairs.columns[which].T
    sums, squares = difference_sums(values, first, second)
    means = sums / n
    third = cubed_difference_sums(values, first, second) - 3 * means * squares + 2 * n * means**3
    skews = third / (squares - n * means**2) ** 1.5
    parts = [np.empty((0, 2))]
    for start in range(0, len(which), _PAIRS_AT_ONCE):
        own = slice(start, start + _PAIRS_AT_ONCE)
        drawn = resampled[first[own], :count] - resampled[second[own], :count]
        parts.append(bca_intervals(drawn, means[own], skews[own], matrix.confidence))
    return np.concatenate(parts)


def effect_interval(
    difference: np.ndarray, drawn: np.ndarray, confidence: float
) -> tuple[float, float]:
    """Return the interval of one mean difference; all zeros have the bounds of a binomial share."""
    if difference.any():
        return bca_interval(difference, drawn, confidence)
    reach = constant_interval(0.0, len(difference), confidence)[1]
    return -reach, reach
