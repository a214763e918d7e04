"""Screens: which vectors may reach a question's threshold, by cheap products of bounded error.

A screen may let too many vectors through, but never too few: its product differs from the inner
product q·x by at most |q·e| <= |q| |e| (Cauchy and Schwarz), where e is the rounding error. The
final scores are computed by ``candidates``, so hits do not depend on the screen.
"""

from collections.abc import Callable, Iterator

import numpy as np

from slmrag.indexing.vectors import to_float32
from slmrag.retrieval.exact.candidates import PossibleHits
from slmrag.retrieval.exact.running_top_k import RunningTopK

Array = np.ndarray
Screen = Callable[[int, slice, Array, RunningTopK], Iterator[PossibleHits]]
"""Takes a block (number of its part, rows in it, float16 vectors) and the best hits so far.

Yields possible hits. While a threshold is unknown (minus infinity), it is set to a value that
``depth`` products reach.
"""

TILES_PER_HIT = 8
ROUNDING_ERROR, UNDERFLOW_ERROR = 2.0**-23, 2.0**-148
"""Twice the error of one step of a float32 sum, relative and near zero: once for a screen, once for
a score."""


def cpu_screen(questions: Array) -> Screen:
    """Return the screen that multiplies in float32."""
    long = lengths(questions).astype(np.float32)

    def choose(
        _part: int, span: slice, vectors: Array, best: RunningTopK
    ) -> Iterator[PossibleHits]:
        scores, threshold = questions @ to_float32(vectors).T, best.threshold
        if np.isneginf(threshold[0]):
            threshold = reached_value(scores, best.depth, -np.inf)
        error = long * error_bound(vectors)
        question, row = pairs_reaching(scores, threshold - error)
        estimate = scores[question, row]
        yield PossibleHits(question, row + span.start, estimate, estimate + error.take(question))

    return choose


def gpu_screen(questions: Array, device: str = "cuda") -> Screen:
    """Return the screen that uses torch on a device (TF32 would err by more than the bound)."""
    import torch

    torch.set_float32_matmul_precision("highest")
    asked = torch.from_numpy(questions).to(device)
    long = lengths(questions).astype(np.float32)

    def choose(
        _part: int, span: slice, vectors: Array, best: RunningTopK
    ) -> Iterator[PossibleHits]:
        scores = asked @ torch.from_numpy(np.array(vectors)).to(device).float().T
        threshold = best.threshold
        if np.isneginf(threshold[0]) and best.depth <= scores.shape[1]:
            threshold = scores.topk(best.depth).values[:, -1].cpu().numpy()
        error = long * error_bound(vectors)
        low = torch.from_numpy(threshold - error).to(device)
        high = (scores >= low[:, None]).nonzero(as_tuple=True)
        question, row, estimate = (one.cpu().numpy() for one in (*high, scores[high]))
        yield PossibleHits(question, row + span.start, estimate, estimate + error.take(question))

    return choose


def lengths(vectors: Array) -> Array:
    """Return the lengths of vectors, in float64: squares of small ones vanish in float32."""
    wide = vectors.astype(np.float64)
    return np.sqrt(np.vecdot(wide, wide))


def pairs_reaching(scores: Array, low: Array) -> tuple[Array, Array]:
    """Return (question, row) of the scores [questions, rows] that reach their question's bound."""
    places = np.flatnonzero(scores >= low[:, None])  # faster than nonzero by far
    return np.divmod(places, scores.shape[1])


def reached_value(scores: Array, depth: int, otherwise: float) -> Array:
    """Return for each question a value that at least ``depth`` of its scores reach.

    It is the depth-th largest of the maxima of equal tiles; ``otherwise`` where they are too few.
    """
    tiles = TILES_PER_HIT * depth
    width = scores.shape[1] // tiles
    if width < 2:
        return np.full(len(scores), otherwise, dtype=scores.dtype)
    maxima = scores[:, : tiles * width].reshape(len(scores), width, tiles).max(axis=1)
    return np.partition(maxima, tiles - depth)[:, tiles - depth]


def error_bound(vectors: Array) -> np.float32:
    """Return twice the error of a float32 product with a question of length one."""
    return np.float32(vectors.shape[1] * ROUNDING_ERROR) * _length_bound(vectors)


def _length_bound(vectors: Array) -> np.float32:
    """Return a length that no float16 vector exceeds: of one whose every value is the largest."""
    bits = max(vectors.view(np.int16).max(), vectors.view(np.uint16).max() & 0x7FFF)
    return np.float32(np.uint16(bits).view(np.float16)) * np.float32(vectors.shape[1] ** 0.5)
