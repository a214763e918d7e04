"""Pairs of a question and a row that may be hits, until their scores are computed.

Pairs whose estimate reaches their question's threshold are scored first, which raises the
threshold; few of the others can still reach it in the end.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slmrag.indexing.vectors import MAX_MAPPED_BYTES, copy_as_float32, forget
from slmrag.retrieval.exact.running_top_k import RunningTopK

Array = np.ndarray

ROOM_PER_HIT, MIN_ROOM, CROWD_FACTOR = 3, 512, 4
"""Likely pairs are scored once ROOM_PER_HIT pairs per wanted hit wait, at least MIN_ROOM; if
CROWD_FACTOR times as many still cannot be dropped, all are scored."""

PAIRS_AT_ONCE, PAIRS_UNTIL_FORGOTTEN = 128, 4_096
"""Pairs whose vectors are copied at once; pairs after which the mapped vectors leave memory."""


class PossibleHits(NamedTuple):
    """Pairs whose score may reach their question's threshold; at most ``upper_bound``."""

    question: Array
    row: Array
    estimate: Array
    upper_bound: Array


class Candidates:
    """The pairs that may be among the best ``depth`` of several questions."""

    def __init__(self, questions: Array, parts: Sequence[Array], depth: int):
        self.questions, self.parts = questions, parts
        self.firsts = np.cumsum([0, *map(len, parts)])
        self.best, self.capacity = (
            RunningTopK(len(questions), depth),
            max(MIN_ROOM, ROOM_PER_HIT * depth * len(questions)),
        )
        self.large = sum(part.nbytes for part in parts) > MAX_MAPPED_BYTES
        self.waiting: list[PossibleHits] = []
        self.room = 0

    def add(self, chosen: PossibleHits) -> None:
        """Add pairs that wait for their scores; the very first are scored at once."""
        self.waiting.append(chosen)
        self.room -= len(chosen.row)
        if self.room < 0:
            self._score_likely()
            if len(self.waiting[0].row) > CROWD_FACTOR * self.capacity:
                self._score_rest()

    def ranked(self) -> list[tuple[Array, Array]]:
        """Return the rows and scores of each question, best first."""
        if self.waiting:
            self._score_rest()
        return self.best.ranked()

    def _score_likely(self) -> None:
        """Score the likely hits by their estimates, and drop pairs that cannot be hits."""
        question, row, estimate, upper_bound = map(np.concatenate, zip(*self.waiting, strict=True))
        likely = estimate >= self.best.threshold.take(question)
        self._score(question[likely], row[likely])
        left = np.flatnonzero(~likely & (upper_bound >= self.best.threshold.take(question)))
        self.waiting = [
            PossibleHits(*(one.take(left) for one in (question, row, estimate, upper_bound)))
        ]
        self.room = self.capacity

    def _score_rest(self) -> None:
        """Score all pairs that may still be hits."""
        question, row, _, upper_bound = map(np.concatenate, zip(*self.waiting, strict=True))
        reaching = upper_bound >= self.best.threshold.take(question)
        if reaching.any():
            self._score(question[reaching], row[reaching])
        self.waiting = []

    def _score(self, question: Array, row: Array) -> None:
        """Compute and offer the scores of pairs, which come nearly in the order of rows."""
        part = np.searchsorted(self.firsts, row, side="right") - 1
        row_in_part, scores = row - self.firsts.take(part), np.empty(len(row), dtype=np.float32)
        for number, vectors in enumerate(self.parts):
            here = np.flatnonzero(part == number)
            for start in range(0, len(here), PAIRS_UNTIL_FORGOTTEN):
                some = here[start : start + PAIRS_UNTIL_FORGOTTEN]
                pairs = question.take(some), row_in_part.take(some)
                scores[some] = pair_scores(self.questions, vectors, *pairs)
                if self.large:
                    forget([vectors])
        self.best.offer(question, row, scores)


def pair_scores(questions: Array, vectors: Array, question: Array, row: Array) -> Array:
    """Return the float32 products of pairs; a product does not depend on the other pairs."""
    scores, shape = np.empty(len(row), dtype=np.float32), (PAIRS_AT_ONCE, vectors.shape[1])
    asked, held, halves = (np.empty(shape, dtype) for dtype in (np.float32, np.float32, np.float16))
    for start in range(0, len(row), PAIRS_AT_ONCE):
        some = slice(start, start + PAIRS_AT_ONCE)
        count = len(row[some])
        vectors.take(row[some], axis=0, mode="clip", out=halves[:count])
        copy_as_float32(halves[:count], held[:count])
        questions.take(question[some], axis=0, mode="clip", out=asked[:count])
        np.vecdot(held[:count], asked[:count], out=scores[some])
    return scores
