"""Means with bootstrap intervals: BCa, because rare successes make means skewed."""

from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

_NORMAL = NormalDist()
_CHUNK = 1 << 22  # resampled values held at once


def bootstrap_means(values: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return ``count`` means of each column of (n, k) ``values`` over resampled rows: (count, k).

    All columns share the resamples, so that differences of columns are paired.
    """
    return np.concatenate([w @ values for w in resamples(len(values), count, seed)]) / len(values)


def resamples(n: int, count: int, seed: int) -> Iterator[np.ndarray]:
    """Yield blocks (rows, n): how often each of ``n`` rows is drawn, ``count`` times over."""
    random = np.random.default_rng(seed)
    for start in range(0, count, max(1, _CHUNK // n)):
        rows = min(max(1, _CHUNK // n), count - start)
        drawn = random.integers(0, n, (rows, n), dtype=np.int32) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(float)


def intervals(values: np.ndarray, confidence: float, count: int, seed: int) -> np.ndarray:
    """Return the BCa interval of each column's mean as rows (low, high); NaN for fewer than 2 rows.

    A constant column of zeros or ones gets the exact binomial bound, as resampling shows nothing.
    """
    if len(values) < 2:
        return np.full((values.shape[1], 2), np.nan)
    means = bootstrap_means(values, count, seed)
    return np.array(
        [
            interval(column, drawn, confidence)
            for column, drawn in zip(values.T, means.T, strict=True)
        ]
    ).reshape(-1, 2)


def interval(values: np.ndarray, means: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return one BCa interval (Efron 1987, eq. 6.8) of a mean from its resampled ``means``."""
    if np.ptp(values) == 0:
        return constant_interval(float(values[0]), len(values), confidence)
    below = (np.sum(means < values.mean()) + np.sum(means <= values.mean())) / (2 * len(means))
    bias = _NORMAL.inv_cdf(min(max(below, 1 / len(means)), 1 - 1 / len(means)))
    centred = values - values.mean()
    acceleration = np.sum(centred**3) / (6 * np.sum(centred**2) ** 1.5)
    low, high = np.quantile(means, _levels(bias, acceleration, confidence))
    return float(low), float(high)


def _levels(bias: float, acceleration: float, confidence: float) -> list[float]:
    tail = _NORMAL.inv_cdf((1 - confidence) / 2)
    shifted = (bias + tail, bias - tail)
    return [_NORMAL.cdf(bias + z / (1 - acceleration * z)) for z in shifted]


def constant_interval(value: float, n: int, confidence: float) -> tuple[float, float]:
    """Return Clopper and Pearson's bound where ``n`` scores are all 0 or all 1, else the point."""
    reach = 1 - ((1 - confidence) / 2) ** (1 / n)
    return {0.0: (0.0, reach), 1.0: (1 - reach, 1.0)}.get(value, (value, value))
