"""Means with bootstrap intervals: BCa, because rare successes make means skewed."""

from collections.abc import Iterator
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import polars as pl

_NORMAL = NormalDist()
_VALUES_AT_ONCE = 1 << 22  # resampled values held at once
_TIE_TOLERANCE = 1e-9  # means that differ by less are equal
_inv_cdf = np.vectorize(_NORMAL.inv_cdf, otypes=[float])
_cdf = np.vectorize(_NORMAL.cdf, otypes=[float])


def bootstrap_means(values: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return ``count`` means of each column of (n, k) ``values`` over resampled rows: (count, k).

    All columns share the resamples, so that differences of columns are paired.
    """
    return np.concatenate([w @ values for w in resample_counts(len(values), count, seed)]) / len(
        values
    )


def resample_counts(n: int, count: int, seed: int) -> Iterator[np.ndarray]:
    """Yield blocks (rows, n): how often each of ``n`` rows is drawn, ``count`` times over."""
    random = np.random.default_rng(seed)
    for start in range(0, count, max(1, _VALUES_AT_ONCE // n)):
        rows = min(max(1, _VALUES_AT_ONCE // n), count - start)
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
            bca_interval(column, drawn, confidence)
            for column, drawn in zip(values.T, means.T, strict=True)
        ]
    ).reshape(-1, 2)


def intervals_95(values: np.ndarray) -> np.ndarray:
    """Return the 95 % BCa bounds of each column's mean, [columns, 2], from 2,000 resamples."""
    return intervals(values, confidence=0.95, count=2_000, seed=0)


def bca_interval(values: np.ndarray, means: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return one BCa interval of the mean of ``values`` from its resampled ``means``."""
    if np.ptp(values) == 0:
        return constant_interval(float(values[0]), len(values), confidence)
    centered = values - values.mean()
    skew = np.sum(centered**3) / np.sum(centered**2) ** 1.5
    low, high = bca_intervals(means[None], values.mean()[None], skew[None], confidence)[0]
    return float(low), float(high)


def bca_intervals(
    means: np.ndarray, estimates: np.ndarray, skews: np.ndarray, confidence: float
) -> np.ndarray:
    """Return BCa intervals (Efron 1987, eq. 6.8) as rows (low, high), one a row of ``means``.

    ``means`` is (m, resamples); ``skews`` are sum d^3 / (sum d^2)^1.5 of the centered values.
    """
    ordered, count = np.sort(means, axis=1), means.shape[1]
    below = np.sum(ordered < estimates[:, None] - _TIE_TOLERANCE, axis=1)
    below += np.sum(ordered <= estimates[:, None] + _TIE_TOLERANCE, axis=1)
    share = np.clip(below / (2 * count), 1 / count, 1 - 1 / count)
    bias, tail = _inv_cdf(share)[:, None], _NORMAL.inv_cdf((1 - confidence) / 2)
    shifted = bias + np.array([tail, -tail])
    levels = _cdf(bias + shifted / (1 - skews[:, None] / 6 * shifted))
    return _quantiles(ordered, levels)


def _quantiles(ordered: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return each row's quantiles at its own levels, by linear interpolation."""
    places = levels * (ordered.shape[1] - 1)
    below = np.minimum(places.astype(np.int64), ordered.shape[1] - 2)
    low, high = (np.take_along_axis(ordered, below + step, axis=1) for step in (0, 1))
    quantiles: np.ndarray = low + (high - low) * (places - below)
    return quantiles


def constant_interval(value: float, n: int, confidence: float) -> tuple[float, float]:
    """Return Clopper and Pearson's bound where ``n`` scores are all 0 or all 1, else the point."""
    reach = 1 - ((1 - confidence) / 2) ** (1 / n)
    return {0.0: (0.0, reach), 1.0: (1 - reach, 1.0)}.get(value, (value, value))


def student_quantile(n: int, confidence: float) -> float:
    """Return the half-width of a Student interval of ``n`` values, in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + confidence) / 2)) if n > 1 else np.nan


def aggregate_if_complete(column: "pl.Series", what: str) -> float | None:
    """Return a column's sum or mean, None where a value of it is unknown."""
    return None if column.null_count() else getattr(column, what)()


def finite_or_none(value: Any) -> float | None:
    """Return a float that JSON can hold, or None."""
    return None if value is None or not np.isfinite(value) else float(value)
