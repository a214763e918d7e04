"""BM25 by the bm25s library: scores are computed when the index is built, and memory-mapped."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.indexing.analyzer import analyzer
from slmrag.indexing.bm25s import BUILD
from slmrag.job.progress import bar
from slmrag.retrieval.hits import Hits
from slmrag.retrieval.top_k import lower_bound, rank_rows

__all__ = ["BUILD", "search"]

Array = np.ndarray


def search(index: Path, questions: Sequence[str], depth: int, params: Mapping[str, Any]) -> Hits:
    """Return each question's best passages among those with a score from one of its terms."""
    from bm25s import BM25

    analyze = analyzer(params["tokenizer"], params["stopwords"], params.get("language"))
    model = BM25.load(index, mmap=True, show_progress=False)
    queries = [model.get_tokens_ids(analyze(question)) for question in questions]
    return Hits.of(
        _best_passages(model, query, depth) for query in bar(queries, desc="search", unit="q")
    )


def _best_passages(model: Any, query: list[int], depth: int) -> tuple[Array, Array]:
    if not query:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    scores, without = model.get_scores_from_ids(query), model.nonoccurrence_array
    floor = 0.0 if without is None else without[query].sum()
    least = lower_bound(scores, depth)
    rows = np.flatnonzero(scores >= least if least > floor else scores > floor)
    return rank_rows(rows, scores[rows], depth)
