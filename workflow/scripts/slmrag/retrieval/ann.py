"""Approximate search by FAISS; its recall against exact search is measured and recorded."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.indexing import int8_codes
from slmrag.indexing.ann import FAISS_FILE
from slmrag.retrieval.exact import search as exact
from slmrag.retrieval.hits import Hits

Array = np.ndarray

DEFAULT_SEARCH_WIDTH, DEFAULT_PROBES = 128, 64
MEASURED_QUESTIONS = 200


def search(
    parts: Sequence[Array], index: Path, asked: Array, depth: int, params: Mapping[str, Any]
) -> Hits:
    """Return approximate hits; their facts have the recall against exact search."""
    import faiss

    faiss.omp_set_num_threads(params.get("threads", 1))
    opened = faiss.read_index(str(index / FAISS_FILE))
    if isinstance(opened, faiss.IndexHNSW):
        opened.hnsw.efSearch = max(params.get("ef_search", DEFAULT_SEARCH_WIDTH), depth)
    elif isinstance(opened, faiss.IndexIVF):
        opened.nprobe = min(params.get("nprobe", DEFAULT_PROBES), opened.nlist)
    scores, rows = opened.search(asked, min(depth, opened.ntotal))
    found = rows >= 0
    question = np.nonzero(found)[0]
    hits = Hits.best(question, rows[found], scores[found], depth)
    some = asked[:MEASURED_QUESTIONS]
    whole = Hits.of(exact.search(parts, some, depth, codes=int8_codes.read_codes(index, parts)))
    return hits.with_facts(
        ann_recall=recall_against_exact(hits, whole), ann_recall_questions=len(some)
    )


def recall_against_exact(hits: Hits, exact: Hits) -> float:
    """Return the share of the exact hits that are among the hits."""
    if not len(exact):
        return 1.0
    size = 1 + max(int(hits.passage.max(initial=0)), int(exact.passage.max()))
    pairs = [run.question * size + run.passage for run in (hits, exact)]
    return float(np.isin(pairs[1], pairs[0]).mean())
