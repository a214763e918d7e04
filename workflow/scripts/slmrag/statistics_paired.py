"""Whether two cells differ: paired tests, their correction, and the smallest effect they could see.

Sign flips are linear, so one product with all cells' scores serves every pair of a data set.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import lgamma, log
from statistics import NormalDist

import numpy as np

POWER = 0.8
_CHUNK = 1 << 22
_SLACK = 1e-3  # single precision must not tell equal sums apart


def permutation_tests(
    values: np.ndarray, pairs: Sequence[tuple[int, int]], count: int, seed: int
) -> np.ndarray:
    """Return the two-sided p value of each pair of columns of (n, k) ``values``, by sign flips.

    (count of flips at least as extreme + 1) / (flips + 1); where no flip reached the difference,
    Hoeffding's bound 2 exp(-t^2 / 2 sum d^2), if that is smaller.
    """
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    sums, squares = _differences(values, first, second)
    extreme = np.zeros(len(first), dtype=np.int64)
    for flipped in _flips(values, count, seed):
        for place in range(len(first)):
            apart = np.abs(flipped[first[place]] - flipped[second[place]])
            extreme[place] += np.count_nonzero(apart >= abs(sums[place]) - _SLACK)
    sampled = (extreme + 1) / (count + 1)
    bound = 2 * np.exp(-(sums**2) / np.maximum(2 * squares, 1e-300))
    return np.where(extreme == 0, np.minimum(sampled, bound), sampled)


def _differences(
    values: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of each pair's differences, and of their squares, without forming them."""
    products = values.T @ values
    own = np.diag(products)
    squares = own[first] + own[second] - 2 * products[first, second]
    sums = values.sum(axis=0)
    return sums[first] - sums[second], np.maximum(squares, 0.0)


def _flips(values: np.ndarray, count: int, seed: int):
    """Yield blocks (k, rows) of each column's sums under random signs of the rows."""
    random = np.random.default_rng(seed)
    single, size = values.astype(np.float32), max(1, _CHUNK // max(1, len(values)))
    for start in range(0, count, size):
        shape = (min(size, count - start), len(values))
        signs = random.integers(0, 2, shape, dtype=np.int8).astype(np.float32)
        yield np.ascontiguousarray(((signs * 2 - 1) @ single).T)


def mcnemar_exact(first: np.ndarray, second: np.ndarray) -> float:
    """Return the exact two-sided p value of McNemar's test of two 0/1 columns."""
    only_first = int(np.count_nonzero(first > second))
    only_second = int(np.count_nonzero(second > first))
    return binomial_test(min(only_first, only_second), only_first + only_second)


@lru_cache(maxsize=1 << 16)
def binomial_test(fewer: int, n: int) -> float:
    """Return the two-sided p value of ``fewer`` of ``n`` tosses of a fair coin."""
    return float(min(1.0, 2 * np.exp(_log_tails(n)[fewer]))) if n else 1.0


@lru_cache(maxsize=4096)
def _log_tails(n: int) -> np.ndarray:
    """Return log P(X <= k) of a fair coin tossed n times, for k up to n / 2."""
    logs = [lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) for k in range(n // 2 + 1)]
    return np.logaddexp.accumulate(np.array(logs) - n * log(2))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values as Holm (1979) adjusts them over their family, in the given order."""
    order = np.argsort(p_values, kind="stable")
    factors = len(order) - np.arange(len(order))
    adjusted = np.minimum(1.0, np.maximum.accumulate(np.asarray(p_values)[order] * factors))
    result = np.empty(len(order))
    result[order] = adjusted
    return result.tolist()


def minimum_detectable_effect(deviation: float, n: int, confidence: float = 0.95) -> float | None:
    """Return the difference that a paired test of ``n`` questions finds 8 times in 10.

    ``deviation`` is the standard deviation of the questions' differences; a normal approximation.
    """
    if n < 2:
        return None
    normal = NormalDist()
    reach = normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(POWER)
    return reach * deviation / n**0.5
