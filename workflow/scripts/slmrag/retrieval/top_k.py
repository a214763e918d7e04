"""The best of many scores, without sorting them all; equal scores by lower row."""

import numpy as np

Array = np.ndarray


def lower_bound(scores: Array, depth: int) -> float:
    """Return a value that at least ``depth`` scores reach and few others do.

    It is the depth-th largest of the maxima of equal blocks, so at least ``depth`` scores reach it.
    """
    width = len(scores) // (4 * depth)
    if width < 2:
        return -np.inf
    whole = len(scores) // width * width
    maxima = scores[:whole].reshape(-1, width).max(axis=1)
    return float(np.partition(maxima, len(maxima) - depth)[len(maxima) - depth])


def rank_rows(rows: Array, scores: Array, depth: int) -> tuple[Array, Array]:
    """Return up to ``depth`` of the rows and their scores, best first, ties by lower row."""
    order = np.lexsort((rows, -scores))[:depth]
    return rows[order], scores[order]


def top(scores: Array, depth: int) -> tuple[Array, Array]:
    """Return rows and scores of the best ``depth`` of all scores."""
    rows = np.flatnonzero(scores >= lower_bound(scores, depth))
    return rank_rows(rows, scores[rows], depth)
