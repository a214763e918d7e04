"""Which vectors may reach a question's threshold: cheap products whose error has a bound.

A screen may let too many vectors through, never too few: what it computes differs from the inner
product q·x by at most what Cauchy and Schwarz allow its rounding, |q·e| <= |q| |e|. The scores of
what it lets through are computed by ``candidates``, so hits are the same whatever the screen.
"""

from collections.abc import Callable, Iterator

import numpy as np

from slmrag.indexing.vectors import to_float32
from slmrag.retrieval.exact.candidates import Chosen
from slmrag.retrieval.exact.running_top_k import RunningTopK

Array = np.ndarray
Screen = Callable[[int, slice, Array, RunningTopK], Iterator[Chosen]]
"""From a block (number of its part, rows in it, float16 vectors) and the best so far to pairs.

Where no threshold is known yet (minus infinity) one is found that ``depth`` products reach.
"""

TILES = 8
ROUNDING, SMALLEST = 2.0**-23, 2.0**-148
"""Twice what one step of a float32 sum can lose, of its size or near nothing: once in a screen,
once in a score."""


def plain(questions: Array) -> Screen:
    """Multiply in float32."""
    long = lengths(questions).astype(np.float32)

    def choose(_part: int, span: slice, vectors: Array, best: RunningTopK) -> Iterator[Chosen]:
        scores, threshold = questions @ to_float32(vectors).T, best.threshold
        if np.isneginf(threshold[0]):
            threshold = reached(scores, best.depth, -np.inf)
        error = long * slack(vectors)
        question, row = reaching(scores, threshold - error)
        estimate = scores[question, row]
        yield Chosen(question, row + span.start, estimate, estimate + error.take(question))

    return choose


def on_gpu(questions: Array, device: str = "cuda") -> Screen:
    """Multiply with torch on a device, in float32 (TF32 would err by more than the bound)."""
    import torch

    torch.set_float32_matmul_precision("highest")
    asked = torch.from_numpy(questions).to(device)
    long = lengths(questions).astype(np.float32)

    def choose(_part: int, span: slice, vectors: Array, best: RunningTopK) -> Iterator[Chosen]:
        scores = asked @ torch.from_numpy(np.array(vectors)).to(device).float().T
        threshold = best.threshold
        if np.isneginf(threshold[0]) and best.depth <= scores.shape[1]:
            threshold = scores.topk(best.depth).values[:, -1].cpu().numpy()
        error = long * slack(vectors)
        low = torch.from_numpy(threshold - error).to(device)
        high = (scores >= low[:, None]).nonzero(as_tuple=True)
        question, row, estimate = (one.cpu().numpy() for one in (*high, scores[high]))
        yield Chosen(question, row + span.start, estimate, estimate + error.take(question))

    return choose


def lengths(vectors: Array) -> Array:
    """Return the lengths of vectors, in float64 because small ones have no square in float32."""
    wide = vectors.astype(np.float64)
    return np.sqrt(np.vecdot(wide, wide))


def reaching(scores: Array, low: Array) -> tuple[Array, Array]:
    """Return the (question, row) of scores [questions, rows] that reach each question's bound."""
    places = np.flatnonzero(scores >= low[:, None])  # faster than nonzero by far
    return np.divmod(places, scores.shape[1])


def reached(scores: Array, depth: int, otherwise: float) -> Array:
    """Return for each question a value that at least ``depth`` of its scores reach.

    It is the depth-th largest of the maxima of equal tiles; ``otherwise`` where they are too few.
    """
    tiles = TILES * depth
    width = scores.shape[1] // tiles
    if width < 2:
        return np.full(len(scores), otherwise, dtype=scores.dtype)
    maxima = scores[:, : tiles * width].reshape(len(scores), width, tiles).max(axis=1)
    return np.partition(maxima, tiles - depth)[:, tiles - depth]


def slack(vectors: Array) -> np.float32:
    """Return what a float32 product with a question of length one can be off, twice."""
    return np.float32(vectors.shape[1] * ROUNDING) * _longest(vectors)


def _longest(vectors: Array) -> np.float32:
    """Return a length that no float16 vector exceeds: of one whose every value is the largest."""
    bits = max(vectors.view(np.int16).max(), vectors.view(np.uint16).max() & 0x7FFF)
    return np.float32(np.uint16(bits).view(np.float16)) * np.float32(vectors.shape[1] ** 0.5)
