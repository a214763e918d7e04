"""The hits of a search: rows of the corpus by question, best first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Hits:
    """Parallel arrays; a question's hits are adjacent, best first.

    ``question`` and ``passage`` are 0-based rows of the questions and of the corpus; ``facts`` are
    facts about the search, for the metrics' file.
    """

    question: Array
    passage: Array
    score: Array
    facts: Mapping[str, Any] = field(default_factory=dict)

    def with_facts(self, **facts: Any) -> "Hits":
        """Return the same hits with facts about their search, for the metrics' file."""
        return replace(self, facts={**self.facts, **facts})

    @classmethod
    def of(cls, ranked: Iterable[tuple[Array, Array]]) -> "Hits":
        """Return the hits of each question's passages and scores."""
        pairs = [(np.asarray(rows), np.asarray(scores)) for rows, scores in ranked]
        counts = [len(rows) for rows, _ in pairs]
        return cls(
            np.repeat(np.arange(len(pairs), dtype=np.int64), counts),
            np.concatenate([rows for rows, _ in pairs] or [np.empty(0)]).astype(np.int64),
            np.concatenate([scores for _, scores in pairs] or [np.empty(0)]).astype(np.float64),
        )

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[int, int, float]], depth: int) -> "Hits":
        """Return each question's ``depth`` best of (question, passage, score) in any order."""
        question, passage, score = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        return cls.best(question.astype(np.int64), passage.astype(np.int64), score, depth)

    @classmethod
    def best(cls, question: Array, passage: Array, score: Array, depth: int) -> "Hits":
        """Return each question's ``depth`` best of hits in any order; ties by lower row."""
        order = np.lexsort((passage, -score, question))
        hits = cls(question[order], passage[order], score[order].astype(np.float64))
        kept = hits.rank <= depth
        return cls(hits.question[kept], hits.passage[kept], hits.score[kept])

    @property
    def rank(self) -> Array:
        """Return each hit's rank, 1 for a question's best."""
        first = np.searchsorted(self.question, self.question, side="left")
        return (np.arange(len(self.question)) - first + 1).astype(np.int32)

    def __len__(self) -> int:
        """Return the number of hits of all questions."""
        return len(self.question)
