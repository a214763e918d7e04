"""Pairs of a question and a row that may be among the best, until their scores are computed.

First come those whose estimate reaches the threshold of their question, which their scores raise;
of the others few still can reach it in the end.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slmrag.indexing.vectors import MAPPED_BYTES, copy_as_float32, forget
from slmrag.retrieval.exact.running_top_k import RunningTopK

Array = np.ndarray

ROOM, LEAST_ROOM, CROWD = 3, 512, 4
"""Before the likely are scored, ROOM pairs wait for each wanted hit, LEAST_ROOM at least; if CROWD
times as many still cannot be dropped, all are scored."""

TOGETHER, TOUCHED = 128, 4_096
"""Pairs whose vectors are copied at once, and after how many the mapped vectors are forgotten."""


class Chosen(NamedTuple):
    """Pairs whose score may reach the threshold of their question: ``most`` is its upper bound."""

    question: Array
    row: Array
    estimate: Array
    most: Array


class Candidates:
    """What may be among the best ``depth`` of several questions, in vectors of several parts."""

    def __init__(self, questions: Array, parts: Sequence[Array], depth: int):
        self.questions, self.parts = questions, parts
        self.firsts = np.cumsum([0, *map(len, parts)])
        self.best, self.most = (
            RunningTopK(len(questions), depth),
            max(LEAST_ROOM, ROOM * depth * len(questions)),
        )
        self.large = sum(part.nbytes for part in parts) > MAPPED_BYTES
        self.waiting: list[Chosen] = []
        self.room = 0

    def take(self, chosen: Chosen) -> None:
        """Let pairs wait for their scores; the first of all do not wait."""
        self.waiting.append(chosen)
        self.room -= len(chosen.row)
        if self.room < 0:
            self._score_likely()
            if len(self.waiting[0].row) > CROWD * self.most:
                self._score_rest()

    def ranked(self) -> list[tuple[Array, Array]]:
        """Return the rows and scores of each question, best first."""
        if self.waiting:
            self._score_rest()
        return self.best.ranked()

    def _score_likely(self) -> None:
        """Score those whose estimate says that they are among the best, and drop who cannot be."""
        question, row, estimate, most = map(np.concatenate, zip(*self.waiting, strict=True))
        likely = estimate >= self.best.threshold.take(question)
        self._score(question[likely], row[likely])
        left = np.flatnonzero(~likely & (most >= self.best.threshold.take(question)))
        self.waiting = [Chosen(*(one.take(left) for one in (question, row, estimate, most)))]
        self.room = self.most

    def _score_rest(self) -> None:
        """Score all that still may be among the best."""
        question, row, _, most = map(np.concatenate, zip(*self.waiting, strict=True))
        reaching = most >= self.best.threshold.take(question)
        if reaching.any():
            self._score(question[reaching], row[reaching])
        self.waiting = []

    def _score(self, question: Array, row: Array) -> None:
        """Offer the scores of pairs that come nearly by row, so vectors can be forgotten again."""
        part = np.searchsorted(self.firsts, row, side="right") - 1
        row_in_part, scores = row - self.firsts.take(part), np.empty(len(row), dtype=np.float32)
        for number, vectors in enumerate(self.parts):
            here = np.flatnonzero(part == number)
            for start in range(0, len(here), TOUCHED):
                some = here[start : start + TOUCHED]
                pairs = question.take(some), row_in_part.take(some)
                scores[some] = scored(self.questions, vectors, *pairs)
                if self.large:
                    forget([vectors])
        self.best.offer(question, row, scores)


def scored(questions: Array, vectors: Array, question: Array, row: Array) -> Array:
    """Return the float32 products of pairs, the same whatever the other pairs are."""
    scores, shape = np.empty(len(row), dtype=np.float32), (TOGETHER, vectors.shape[1])
    asked, held, halves = (np.empty(shape, dtype) for dtype in (np.float32, np.float32, np.float16))
    for start in range(0, len(row), TOGETHER):
        some = slice(start, start + TOGETHER)
        count = len(row[some])
        vectors.take(row[some], axis=0, mode="clip", out=halves[:count])
        copy_as_float32(halves[:count], held[:count])
        questions.take(question[some], axis=0, mode="clip", out=asked[:count])
        np.vecdot(held[:count], asked[:count], out=scores[some])
    return scores
