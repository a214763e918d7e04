"""Which vectors may reach a question's threshold: cheap products whose error has a bound.

A screen may let too many vectors through, never too few: what it computes differs from the inner
product q·x by at most what Cauchy and Schwarz allow its rounding, |q·e| <= |q| |e|. The scores of
what it lets through are computed by ``scored``, so hits are the same whatever the screen.
"""

import sys
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

Array = np.ndarray
Kept = tuple[Array, Array, Array]
Screen = Callable[[Array, Array, int], Kept]
"""From (float16 vectors [rows, d], thresholds [questions], depth) to (question, row, score).

Where no threshold is known yet (minus infinity) one is found that ``depth`` products reach.
"""

ROWS = {"cpu": 2_048, "cuda": 131_072}
FIRST = {"cpu": 1_024, "cuda": 131_072}
FEW, PAIRS, WORTH_TORCH = 8, 256, 2**28
ROUNDING = 2.0**-23
"""Twice what one step of a float32 sum can lose: once in a screen, once in ``scored``."""


def products(questions: Array, device: str, rows: int) -> Screen:
    """Return the fastest screen on a device for these questions and so many vectors."""
    if device == "cuda":
        return on_gpu(questions)
    if not _torch_for(len(questions) * rows) or not _has_vnni():
        return plain(questions)
    if len(questions) < FEW:
        return in_halves(questions)
    from slmrag.retrievers.bytewise import InBytes

    return InBytes(questions)


def _torch_for(pairs: int) -> bool:
    """Tell whether torch is loaded, or is here and worth loading for so many products."""
    if "torch" in sys.modules:
        return True
    return pairs >= WORTH_TORCH and find_spec("torch") is not None


def _has_vnni() -> bool:
    """Tell whether this CPU is one that sums products of bytes fast, and never saturates."""
    import torch

    return bool(torch.cpu.get_capabilities().get("avx512_vnni"))


def widened(vectors: Array) -> Array:
    """Return float16 vectors as float32; torch is many times faster at it."""
    if "torch" not in sys.modules:
        return vectors.astype(np.float32)
    return sys.modules["torch"].from_numpy(vectors).float().numpy()


def scored(questions: Array, vectors: Array, question: Array, row: Array) -> Kept:
    """Return pairs with their float32 products, the same whatever the other pairs are."""
    scores = np.empty(len(row), dtype=np.float32)
    for start in range(0, len(row), PAIRS):
        some = slice(start, start + PAIRS)
        held = vectors.take(row[some], axis=0, mode="clip").astype(np.float32, copy=False)
        scores[some] = np.vecdot(held, questions.take(question[some], axis=0, mode="clip"))
    return question, row, scores


def plain(questions: Array) -> Screen:
    """Multiply in float32."""
    lengths = np.linalg.norm(questions, axis=1)

    def block(vectors: Array, threshold: Array, depth: int) -> Kept:
        wide = widened(vectors)
        scores = questions @ wide.T
        if np.isneginf(threshold[0]):
            threshold = _bounds(scores, depth)
        low = threshold - lengths * slack(vectors)
        return scored(questions, wide, *reaching(scores, low))

    return block


def in_halves(questions: Array) -> Screen:
    """Multiply in float16, without a copy of the vectors in float32: for few questions."""
    import torch

    without, lengths = plain(questions), np.linalg.norm(questions, axis=1)
    asked = [torch.from_numpy(one) for one in _unit(questions).astype(np.float16)]

    def block(vectors: Array, threshold: Array, depth: int) -> Kept:
        if np.isneginf(threshold[0]) or not lengths.all():
            return without(vectors, threshold, depth)
        held = torch.from_numpy(vectors)
        scores = torch.stack([held @ one for one in asked]).numpy()
        error = 1.25 * 2**-10 * _longest(vectors) + slack(vectors) + 2**-24
        return scored(questions, vectors, *reaching(scores, threshold / lengths - error))

    return block


def _unit(questions: Array) -> Array:
    return questions / np.maximum(np.linalg.norm(questions, axis=1, keepdims=True), 1e-30)


def on_gpu(questions: Array, device: str = "cuda") -> Screen:
    """Multiply with torch on a device, in float32; takes float16 vectors too."""
    import torch

    asked = torch.from_numpy(questions).to(device)
    lengths = np.linalg.norm(questions, axis=1)

    def block(vectors: Array, threshold: Array, depth: int) -> Kept:
        scores = asked @ torch.from_numpy(np.array(vectors)).to(device).float().T
        if np.isneginf(threshold[0]) and depth <= scores.shape[1]:
            threshold = scores.topk(depth).values[:, -1].cpu().numpy()
        low = torch.from_numpy(threshold - lengths * slack(vectors)).to(device)
        question, row = (scores >= low[:, None]).nonzero(as_tuple=True)
        return scored(questions, vectors, question.cpu().numpy(), row.cpu().numpy())

    return block


def reaching(scores: Array, low: Array) -> tuple[Array, Array]:
    """Return the (question, row) of scores [questions, rows] that reach each question's bound."""
    places = np.flatnonzero(scores >= low[:, None])  # faster than nonzero by far
    return np.divmod(places, scores.shape[1])


def slack(vectors: Array) -> np.float32:
    """Return what a float32 product with a question of length one can be off, twice."""
    return np.float32(vectors.shape[1] * ROUNDING) * _longest(vectors)


def _longest(vectors: Array) -> np.float32:
    """Return a length that no float16 vector exceeds: of one whose every value is the largest."""
    bits = max(vectors.view(np.int16).max(), vectors.view(np.uint16).max() & 0x7FFF)
    return np.float32(np.uint16(bits).view(np.float16)) * np.float32(vectors.shape[1] ** 0.5)


def _bounds(scores: Array, depth: int) -> Array:
    """Return for each question a value that at least ``depth`` of its scores reach."""
    width = scores.shape[1] // (4 * depth)
    if width < 2:
        return np.full(len(scores), -np.inf, dtype=np.float32)
    whole = scores[:, : scores.shape[1] // width * width]
    maxima = whole.reshape(len(scores), -1, width).max(axis=2)
    return np.partition(maxima, maxima.shape[1] - depth)[:, maxima.shape[1] - depth]
