"""Paired tests of two cells, their correction, and their minimum detectable effect.

Sign flips are linear: one product with all cells' scores serves every pair of a data set.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import lgamma, log
from statistics import NormalDist

import numpy as np

Columns = Sequence[Sequence[int]] | np.ndarray
POWER = 0.8
NO_SPREAD = 1e-6
"""A standard deviation of differences that is no more than rounding."""
_FLIPS_AT_ONCE = 512  # sign flips looked at together
_ROUNDING_SLACK = 1e-3  # single precision must not tell equal sums apart


def permutation_tests(
    values: np.ndarray, pairs: Columns, count: int, seed: int,
    enough_extreme: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Return the two-sided p value of each pair (m, 2) of columns of (n, k) ``values``.

    p = (sign flips at least as extreme + 1) / (flips + 1). A pair stops after ``enough_extreme``
    (m,) extreme flips, with p = enough_extreme / flips so far (Besag and Clifford 1991). Where
    Hoeffding's bound 2 exp(-t^2 / 2 sum d^2) is below the smallest p that ``count`` flips can
    show, it is p.
    """
    first, second = pair_columns(pairs)
    sums, squares = difference_sums(values, first, second)
    p_values: np.ndarray = 2 * np.exp(-(sums**2) / np.maximum(2 * squares, 1e-300))
    left = np.argsort(first, kind="stable")
    left = left[p_values[left] >= 1 / (count + 1)]
    enough_extreme = np.full(len(first), count + 1) if enough_extreme is None else enough_extreme
    seen, last, done = np.zeros_like(first), np.zeros_like(first), 0
    for flipped in _flipped_sums(values, count, seed):
        for own in np.split(left, np.flatnonzero(np.diff(first[left])) + 1) if len(left) else ():
            apart = np.abs(flipped[second[own]] - flipped[first[own[0]]])
            hits = apart >= (np.abs(sums[own]) - _ROUNDING_SLACK).astype(np.float32)[:, None]
            last[own] = _flips_until(hits, enough_extreme[own] - seen[own])
            seen[own] += hits.sum(axis=1)
        stopped = left[last[left] > 0]
        p_values[stopped] = enough_extreme[stopped] / (done + last[stopped])
        left, done = left[last[left] == 0], done + flipped.shape[1]
    p_values[left] = (seen[left] + 1) / (count + 1)
    return p_values


def pair_columns(pairs: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the second columns of pairs (m, 2)."""
    first, second = np.asarray(pairs, dtype=np.int64).reshape(-1, 2).T
    return first, second


def _flips_until(hits: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return after how many of its flips each row has the wanted number of hits, 0 for never."""
    result = np.zeros(len(hits), dtype=np.int64)
    for row in np.flatnonzero(hits.sum(axis=1) >= wanted):
        result[row] = np.flatnonzero(hits[row])[wanted[row] - 1] + 1
    return result


def difference_sums(
    values: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of each pair's differences, and of their squares, without forming them."""
    products = values.T @ values
    own = np.diag(products)
    squares = own[first] + own[second] - 2 * products[first, second]
    sums = values.sum(axis=0)
    return sums[first] - sums[second], np.maximum(squares, 0.0)


def cubed_difference_sums(values: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the sum of the cubes of each pair's differences, without forming them."""
    crossed, own = (values**2).T @ values, np.sum(values**3, axis=0)
    twisted = 3 * (crossed[first, second] - crossed[second, first])
    sums: np.ndarray = own[first] - own[second] - twisted
    return sums


def _flipped_sums(values: np.ndarray, count: int, seed: int) -> Iterator[np.ndarray]:
    """Yield blocks (k, flips) of each column's sums under random signs of the rows."""
    random, single = np.random.default_rng(seed), values.astype(np.float32)
    for start in range(0, count, _FLIPS_AT_ONCE):
        shape = (min(_FLIPS_AT_ONCE, count - start), len(values))
        signs = random.integers(0, 2, shape, dtype=np.int8).astype(np.float32)
        yield np.ascontiguousarray(((signs * 2 - 1) @ single).T)


def mcnemar_tests(values: np.ndarray, pairs: Columns) -> np.ndarray:
    """Return McNemar's exact two-sided p value of each pair (m, 2) of columns of 0/1 ``values``."""
    first, second = pair_columns(pairs)
    both = values.T @ values
    ones = np.diag(both)
    only_first, only_second = (ones[own] - both[first, second] for own in (first, second))
    fewer, apart = np.minimum(only_first, only_second), only_first + only_second
    counts, places = np.unique(
        np.stack([fewer, apart]).round().astype(int), axis=1, return_inverse=True
    )
    p_values = np.array([binomial_test(*found) for found in counts.T.tolist()])
    return p_values[places.ravel()] if len(first) else np.empty(0)


@lru_cache(maxsize=1 << 16)
def binomial_test(fewer: int, n: int) -> float:
    """Return the two-sided p value of ``fewer`` of ``n`` tosses of a fair coin."""
    return float(min(1.0, 2 * np.exp(_log_tails(n)[fewer]))) if n else 1.0


@lru_cache(maxsize=4096)
def _log_tails(n: int) -> np.ndarray:
    """Return log P(X <= k) of a fair coin tossed n times, for k up to n / 2."""
    logs = [lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) for k in range(n // 2 + 1)]
    return np.logaddexp.accumulate(np.array(logs) - n * log(2))


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the p values as Holm (1979) adjusts them over their family, in the given order."""
    order = np.argsort(p_values, kind="stable")
    factors = len(order) - np.arange(len(order))
    adjusted = np.minimum(1.0, np.maximum.accumulate(np.asarray(p_values)[order] * factors))
    result = np.empty(len(order))
    result[order] = adjusted
    return result


def minimum_detectable_effect(
    deviation: np.ndarray | float, n: int, confidence: float = 0.95
) -> np.ndarray:
    """Return the difference that a paired test of ``n`` questions finds 8 times in 10.

    ``deviation`` is the standard deviation of the questions' differences; a normal approximation;
    NaN for fewer than 2 questions, and where no question differs: that shows no spread to go by.
    """
    normal = NormalDist()
    reach = normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(POWER)
    shown = np.asarray(deviation) > NO_SPREAD if n > 1 else False
    return np.where(shown, reach * deviation / n**0.5, np.nan)
