"""Exact search over float16 vectors on disk, a block at a time; ties by lower row."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from slmrag.progress import bar

Array = np.ndarray

ROWS, QUESTIONS = 8_192, 512


def create(path: Path, rows: int, dimensions: int) -> Array:
    """Return a new float16 array on disk, [rows, dimensions]."""
    shape = (rows, dimensions)
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def search(
    vectors: Array, questions: Array, depth: int, block: int = ROWS
) -> list[tuple[Array, Array]]:
    """Return each question's best rows by inner product and their scores, best first."""
    found, depth = [], min(depth, len(vectors))
    with bar(total=len(questions), desc="search", unit="q") as progress:
        for start in range(0, len(questions), QUESTIONS):
            some = np.ascontiguousarray(questions[start : start + QUESTIONS], dtype=np.float32)
            best = Best(len(some), depth)
            for first in range(0, len(vectors), block):
                rows = vectors[first : first + block].astype(np.float32)
                best.offer(some @ rows.T, first)
            found += best.ranked()
            progress.update(len(some))
    return found


class Best:
    """The best ``depth`` of all scores offered so far, for several questions at once.

    Scores that reach a question's threshold wait in a list, which is sorted out now and then.
    """

    def __init__(self, questions: int, depth: int):
        self.depth, self.threshold = depth, np.full(questions, -np.inf, dtype=np.float32)
        self.waiting: list[tuple[Array, Array, Array]] = []
        self.room = self.most = 4 * questions * depth

    def offer(self, scores: Array, first: int) -> None:
        """Take in the scores [questions, rows] of the rows from ``first`` on."""
        if np.isneginf(self.threshold[0]):
            self.threshold = self._bounds(scores)
        question, row = np.nonzero(scores >= self.threshold[:, None])
        self.waiting.append((question, row + first, scores[question, row]))
        self.room -= len(question)
        if self.room < 0:
            self._sort_out()

    def ranked(self) -> list[tuple[Array, Array]]:
        """Return the rows and scores of each question, best first."""
        self._sort_out()
        question, row, score = self.waiting[0]
        ends = np.searchsorted(question, np.arange(len(self.threshold) + 1))
        spans = [slice(low, high) for low, high in pairwise(ends)]
        return [(row[span], score[span].astype(np.float64)) for span in spans]

    def _bounds(self, scores: Array) -> Array:
        """Return for each question a value that at least ``depth`` of the scores reach."""
        width = scores.shape[1] // (4 * self.depth)
        if width < 2:
            return self.threshold
        whole = scores[:, : scores.shape[1] // width * width]
        maxima = whole.reshape(len(scores), -1, width).max(axis=2)
        return np.partition(maxima, maxima.shape[1] - self.depth)[:, maxima.shape[1] - self.depth]

    def _sort_out(self) -> None:
        question, row, score = (np.concatenate(parts) for parts in zip(*self.waiting, strict=True))
        order = np.lexsort((row, -score, question))
        question, row, score = question[order], row[order], score[order]
        place = np.arange(len(question)) - np.searchsorted(question, question)
        kept = place < self.depth
        full = place == self.depth - 1
        self.threshold[question[full]] = score[full]
        self.waiting = [(question[kept], row[kept], score[kept])]
        self.room = self.most - int(kept.sum())
