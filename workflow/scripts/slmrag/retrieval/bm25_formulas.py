"""BM25 as rank_bm25 computes it, equal to the last bit, but over postings.

Formulas and their order of operations: Trotman et al. (ADCS 2014) as in rank_bm25 0.2.2.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Weights:
    """The free parameters of BM25; epsilon is of okapi alone, delta of plus and l."""

    k1: float = 1.5
    b: float = 0.75
    epsilon: float = 0.25
    delta: float = 1.0


def okapi_idf(frequencies: Array, passages: int, epsilon: float) -> Array:
    """Return each term's idf; one in over half the passages gets epsilon x the mean idf."""
    idf = _logs(frequencies, lambda n: math.log(passages - n + 0.5) - math.log(n + 0.5))
    mean = np.cumsum(idf)[-1] / len(idf) if len(idf) else 0.0  # sums in order, as a loop does
    return np.where(idf < 0, epsilon * mean, idf)


def plus_idf(frequencies: Array, passages: int, _epsilon: float) -> Array:
    """Return each term's idf for BM25+."""
    return _logs(frequencies, lambda n: math.log((passages + 1) / n))


def l_idf(frequencies: Array, passages: int, _epsilon: float) -> Array:
    """Return each term's idf for BM25L."""
    return _logs(frequencies, lambda n: math.log(passages + 1) - math.log(n + 0.5))


def bm25_okapi(idf: float, tf: Array, norm: Array, w: Weights) -> Array:
    """Return the scores that a term adds to passages that contain it ``tf`` times."""
    return idf * (tf * (w.k1 + 1) / (tf + w.k1 * norm))


def bm25_plus(idf: float, tf: Array, norm: Array, w: Weights) -> Array:
    """Return the scores that a term adds to passages that contain it; others get idf x delta."""
    return idf * (w.delta + (tf * (w.k1 + 1)) / (w.k1 * norm + tf))


def bm25_l(idf: float, tf: Array, norm: Array, w: Weights) -> Array:
    """Return the scores that a term adds to passages that contain it, under BM25L."""
    ctd = tf / norm
    return idf * tf * (w.k1 + 1) * (ctd + w.delta) / (w.k1 + ctd + w.delta)


@dataclass(frozen=True)
class Variant:
    """One of rank_bm25's classes: its idf, a term's part of the score, its default delta."""

    idf: Callable[[Array, int, float], Array]
    part: Callable[[float, Array, Array, Weights], Array]
    delta: float
    everywhere: bool


VARIANTS = {
    "okapi": Variant(okapi_idf, bm25_okapi, delta=0.0, everywhere=False),
    "plus": Variant(plus_idf, bm25_plus, delta=1.0, everywhere=True),
    "l": Variant(l_idf, bm25_l, delta=0.5, everywhere=False),
}


def length_norm(lengths: Array, b: float) -> Array:
    """Return ``1 - b + b x length / mean length`` of each passage."""
    mean = int(lengths.sum(dtype=np.int64)) / len(lengths)
    return 1 - b + b * lengths / mean


def _logs(frequencies: Array, formula: Callable[[int], float]) -> Array:
    values, places = np.unique(frequencies, return_inverse=True)
    return np.array([formula(n) for n in values.tolist()], dtype=np.float64)[places]
