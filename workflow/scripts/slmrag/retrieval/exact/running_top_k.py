"""The best of many scores that are offered one batch after another, for several questions."""

from itertools import pairwise

import numpy as np

Array = np.ndarray
MIN_ROOM = 512
ScoredPairs = tuple[Array, Array, Array]
"""Question, row and score of pairs."""


class RunningTopK:
    """The best ``depth`` of all scores offered so far, for several questions at once.

    Scores that reach a question's threshold wait in a list, which is sorted and cut now and then.
    """

    def __init__(self, questions: int, depth: int):
        self.depth, self.threshold = depth, np.full(questions, -np.inf, dtype=np.float32)
        none = np.empty(0, dtype=np.int64)
        self.waiting: list[ScoredPairs] = [(none, none, none.astype(np.float32))]
        self.room = self.capacity = max(MIN_ROOM, 3 * questions * depth // 2)

    def offer(self, question: Array, row: Array, score: Array) -> None:
        """Take the scores of pairs that were not offered before."""
        threshold = self.threshold.take(question)
        kept = score >= threshold
        self.waiting.append((question[kept], row[kept], score[kept]))
        self.room -= int(kept.sum())
        if self.room < 0 or np.isneginf(threshold).any():
            self._sort_out()

    def ranked(self) -> list[tuple[Array, Array]]:
        """Return the rows and scores of each question, best first."""
        if len(self.waiting) > 1:
            self._sort_out()
        question, row, score = self.waiting[0]
        ends = np.searchsorted(question, np.arange(len(self.threshold) + 1)).tolist()
        score = score.astype(np.float64)
        return [(row[low:high], score[low:high]) for low, high in pairwise(ends)]

    def _sort_out(self) -> None:
        question, row, score = (np.concatenate(parts) for parts in zip(*self.waiting, strict=True))
        order = _best_first(question, row, score)
        question, row, score = question[order], row[order], score[order]
        counts = np.bincount(question, minlength=len(self.threshold))
        place = np.arange(len(question)) - np.repeat(np.cumsum(counts) - counts, counts)
        kept = place < self.depth
        full = place == self.depth - 1
        self.threshold[question[full]] = score[full]
        self.waiting = [(question[kept], row[kept], score[kept])]
        self.room = self.capacity - int(kept.sum())


def _best_first(question: Array, row: Array, score: Array) -> Array:
    """Return the order by question, falling score, then row: one sort of integers."""
    bits = (score + np.float32(0)).view(np.int32)  # -0.0 becomes 0.0
    keys = (question << 32) - (
        bits ^ (bits >> 31 & 0x7FFFFFFF)
    )  # integers in the order of the floats
    order = np.argsort(keys)
    rising = keys[order]
    same = rising[1:] == rising[:-1]
    if not same.any():
        return order
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    some = order[tied]
    order[tied] = some[np.lexsort((row[some], keys[some]))]
    return order
