"""The scores and ranking of rank_bm25, through an inverted index.

k1, b, delta, epsilon and the variant act while searching, so one index serves them all.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.errors import UserError
from slmrag.indexing.analyzer import analyzer
from slmrag.indexing.postings import Postings
from slmrag.indexing.rank_bm25 import BUILD
from slmrag.job.progress import bar
from slmrag.retrieval.bm25_formulas import VARIANTS, Variant, Weights, length_norm
from slmrag.retrieval.hits import Hits
from slmrag.retrieval.top_k import lower_bound, rank_rows

__all__ = ["BUILD", "search"]

Array = np.ndarray

CACHE_BYTES = 256 * 2**20


def search(index: Path, questions: Sequence[str], depth: int, params: Mapping[str, Any]) -> Hits:
    """Return each question's best passages among those that hold one of its terms."""
    analyze = analyzer(params["tokenizer"], params["stopwords"], params.get("language"))
    terms = [analyze(question) for question in questions]
    inverted = Postings.open(index)
    numbers = inverted.numbers(term for words in terms for term in words)
    scorer = Scorer(inverted, *variant_and_weights(params))
    queries = [[numbers[word] for word in words if word in numbers] for words in terms]
    return Hits.of(scorer.best(query, depth) for query in bar(queries, desc="search", unit="q"))


def variant_and_weights(params: Mapping[str, Any]) -> tuple[Variant, Weights]:
    """Return the variant and its weights; UserError where one is out of range."""
    name = params.get("variant", "okapi")
    if name not in VARIANTS:
        raise UserError(f"variant: '{name}' is not one of {', '.join(VARIANTS)}")
    variant = VARIANTS[name]
    given = {key: params[key] for key in ("k1", "b", "epsilon", "delta") if key in params}
    weights = Weights(**{"delta": variant.delta} | {k: float(v) for k, v in given.items()})
    if weights.k1 <= 0 or not 0 <= weights.b <= 1:
        raise UserError(f"k1: {weights.k1} must be above 0 and b: {weights.b} from 0 to 1")
    return variant, weights


class Scorer:
    """Scores all passages for one query after another; caches the scores of terms."""

    def __init__(self, inverted: Postings, variant: Variant, weights: Weights):
        self.postings, self.variant, self.weights = inverted, variant, weights
        passages = len(inverted.lengths)
        self.norm = length_norm(inverted.lengths, weights.b)
        self.idf = variant.idf(inverted.frequencies, passages, weights.epsilon)
        self.scores = np.zeros(passages)
        self.cache: dict[int, tuple[Array | slice, Array]] = {}
        self.room = CACHE_BYTES

    def best(self, query: Sequence[int], depth: int) -> tuple[Array, Array]:
        """Return passages and scores of a query's numbered terms, best first."""
        scores, floor = self.scores, 0.0
        scores[:] = 0.0
        for term in query:
            rows, part = self.cache.get(term) or self._score_part(term)
            scores[rows] += part
            if self.variant.everywhere:
                floor += self.idf[term] * self.weights.delta
        least = lower_bound(scores, depth)
        rows = np.flatnonzero(scores >= least) if least > floor else self._passages_with(query)
        return rank_rows(rows, scores[rows], depth)

    def _passages_with(self, query: Sequence[int]) -> Array:
        """Return the passages that contain a term of the query, whatever their score."""
        rows = [self._passages_of(term) for term in set(query)]
        return np.unique(np.concatenate(rows)) if rows else np.zeros(0, dtype=np.int64)

    def _passages_of(self, term: int) -> Array:
        span = slice(self.postings.offsets[term], self.postings.offsets[term + 1])
        return np.asarray(self.postings.passages[span])

    def _score_part(self, term: int) -> tuple[Array | slice, Array]:
        """Return passages and the scores that a term adds; all passages if many contain it.

        Adding 0.0 to the others changes no bit of their scores.
        """
        rows = self._passages_of(term)
        start = self.postings.offsets[term]
        counts = self.postings.counts[start : start + len(rows)].astype(np.float64)
        part = self.variant.part(self.idf[term], counts, self.norm[rows], self.weights)
        if self.variant.everywhere or len(rows) > len(self.scores) // 8:
            elsewhere = self.idf[term] * self.weights.delta if self.variant.everywhere else 0.0
            dense = np.full(len(self.scores), elsewhere)
            dense[rows] = part
            return self._cache_part(term, slice(None), dense)
        return self._cache_part(term, rows, part)

    def _cache_part(
        self, term: int, rows: Array | slice, part: Array
    ) -> tuple[Array | slice, Array]:
        size = part.nbytes + getattr(rows, "nbytes", 0)
        if size <= self.room:
            self.room -= size
            self.cache[term] = rows, part
        return rows, part
