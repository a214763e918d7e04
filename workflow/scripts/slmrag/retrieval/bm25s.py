"""BM25 by the bm25s library: scores are fixed when the index is built, and mapped from disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.indexing.analyzer import analyzer
from slmrag.indexing.bm25s import BUILD
from slmrag.job.progress import bar
from slmrag.retrieval.hits import Hits
from slmrag.retrieval.top_k import bound, ranked

__all__ = ["BUILD", "search"]

Array = np.ndarray


def search(index: Path, questions: Sequence[str], depth: int, params: Mapping[str, Any]) -> Hits:
    """Return each question's best passages among those that gain from one of its terms."""
    from bm25s import BM25

    analyze = analyzer(params["tokenizer"], params["stopwords"], params.get("language"))
    model = BM25.load(index, mmap=True, show_progress=False)
    queries = [model.get_tokens_ids(analyze(question)) for question in questions]
    return Hits.of(_best(model, query, depth) for query in bar(queries, desc="search", unit="q"))


def _best(model: Any, query: list[int], depth: int) -> tuple[Array, Array]:
    if not query:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    scores, without = model.get_scores_from_ids(query), model.nonoccurrence_array
    floor = 0.0 if without is None else without[query].sum()
    least = bound(scores, depth)
    rows = np.flatnonzero(scores >= least if least > floor else scores > floor)
    return ranked(rows, scores[rows], depth)
