"""Inner products of questions with a block of vectors, and which of them are worth keeping."""

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Kept = tuple[Array, Array, Array]
Products = Callable[[Array, Array, int], Kept]
"""From (float16 vectors [rows, d], thresholds [questions], depth) to (question, row, score).

All products that reach their question's threshold are kept. Where no threshold is known yet (minus
infinity) a bound is found that at least ``depth`` products reach.
"""

ROWS = {"cpu": 4_096, "cuda": 131_072}


def products(questions: Array, device: str) -> Products:
    """Return the function that multiplies blocks with these questions on a device."""
    return {"cpu": on_cpu, "cuda": on_gpu}[device](questions)


def on_cpu(questions: Array) -> Products:
    """Multiply with numpy, in float32."""
    asked = np.ascontiguousarray(questions, dtype=np.float32)

    def block(vectors: Array, threshold: Array, depth: int) -> Kept:
        scores = asked @ vectors.astype(np.float32).T
        if np.isneginf(threshold[0]):
            threshold = _bounds(scores, depth)
        places = np.flatnonzero(scores >= threshold[:, None])  # faster than nonzero by far
        question, row = np.divmod(places, scores.shape[1])
        return question, row, scores.ravel()[places]

    return block


def on_gpu(questions: Array, device: str = "cuda") -> Products:
    """Multiply with torch, in float32."""
    import torch

    asked = torch.from_numpy(np.ascontiguousarray(questions, dtype=np.float32)).to(device)

    def block(vectors: Array, threshold: Array, depth: int) -> Kept:
        some = torch.from_numpy(np.array(vectors)).to(device).float()
        scores = asked @ some.T
        if np.isneginf(threshold[0]) and depth <= scores.shape[1]:
            least = scores.topk(depth).values[:, -1]
        else:
            least = torch.from_numpy(threshold).to(device)
        question, row = (scores >= least[:, None]).nonzero(as_tuple=True)
        return question.cpu().numpy(), row.cpu().numpy(), scores[question, row].cpu().numpy()

    return block


def _bounds(scores: Array, depth: int) -> Array:
    """Return for each question a value that at least ``depth`` of its scores reach."""
    width = scores.shape[1] // (4 * depth)
    if width < 2:
        return np.full(len(scores), -np.inf, dtype=np.float32)
    whole = scores[:, : scores.shape[1] // width * width]
    maxima = whole.reshape(len(scores), -1, width).max(axis=2)
    return np.partition(maxima, maxima.shape[1] - depth)[:, maxima.shape[1] - depth]
