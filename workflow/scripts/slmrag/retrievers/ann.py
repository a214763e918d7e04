"""Approximate search by FAISS, with its recall against exact search measured and recorded."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.progress import bar
from slmrag.retrievers import codes, exact, vectors
from slmrag.retrievers.hits import Hits

Array = np.ndarray

FILE = "faiss.index"
LINKS, BUILD_WIDTH, SEARCH_WIDTH = 32, 200, 128
PROBES, TRAINING = 64, 64
MEASURED = 200
ROWS = 65_536


def build(parts: Sequence[Array], index: Path, kind: str) -> dict[str, Any]:
    """Write the FAISS index of the vectors; return its settings (nothing for exact search)."""
    if kind == "exact":
        return {}
    import faiss

    total = sum(map(len, parts))
    built, settings = MAKERS[kind](parts, total)
    with bar(total=total, desc=f"index by {kind}", unit="vector", unit_scale=True) as progress:
        for *_, block in vectors.blocks(parts, ROWS):
            built.add(block.astype(np.float32))
            progress.update(len(block))
    faiss.write_index(built, str(index / FILE))
    return {"faiss": faiss.__version__, "settings": settings}


def _hnsw(parts: Sequence[Array], _total: int) -> tuple[Any, dict[str, int]]:
    import faiss

    made = faiss.IndexHNSWFlat(parts[0].shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    made.hnsw.efConstruction = BUILD_WIDTH
    return made, {"links": LINKS, "build_width": BUILD_WIDTH}


def _ivf(parts: Sequence[Array], total: int) -> tuple[Any, dict[str, int]]:
    import faiss

    size, lists = parts[0].shape[1], max(1, int(4 * total**0.5))
    lists = min(lists, max(1, total // 39))  # FAISS wants 39 vectors a list to train on
    made = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, lists, faiss.METRIC_INNER_PRODUCT)
    rows = np.random.default_rng(0).choice(total, min(total, TRAINING * lists), replace=False)
    made.train(vectors.take(parts, np.sort(rows)).astype(np.float32))
    return made, {"lists": lists}


MAKERS: dict[str, Callable[[Sequence[Array], int], tuple[Any, dict[str, int]]]] = {
    "hnsw": _hnsw,
    "ivf": _ivf,
}


def search(
    parts: Sequence[Array], index: Path, asked: Array, depth: int, params: Mapping[str, Any]
) -> Hits:
    """Return approximate hits; their facts say how many of the exact ones they hold."""
    import faiss

    faiss.omp_set_num_threads(params.get("threads", 1))
    opened = faiss.read_index(str(index / FILE))
    if params["ann"] == "hnsw":
        opened.hnsw.efSearch = max(params.get("ef_search", SEARCH_WIDTH), depth)
    else:
        opened.nprobe = min(params.get("nprobe", PROBES), opened.nlist)
    scores, rows = opened.search(asked, min(depth, opened.ntotal))
    found = rows >= 0
    question = np.nonzero(found)[0]
    hits = Hits.best(question, rows[found], scores[found], depth)
    some = asked[:MEASURED]
    whole = Hits.of(exact.search(parts, some, depth, codes=codes.read(index, parts)))
    return hits.saying(ann_recall=overlap(hits, whole), ann_recall_questions=len(some))


def overlap(hits: Hits, exact: Hits) -> float:
    """Return the share of the exact hits that are among the hits."""
    if not len(exact):
        return 1.0
    size = 1 + max(int(hits.passage.max(initial=0)), int(exact.passage.max()))
    pairs = [run.question * size + run.passage for run in (hits, exact)]
    return float(np.isin(pairs[1], pairs[0]).mean())
