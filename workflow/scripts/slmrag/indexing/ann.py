"""FAISS indexes of vectors, for a search that is approximate on request."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.indexing import vectors
from slmrag.job.progress import bar

Array = np.ndarray

FAISS_FILE = "faiss.index"
HNSW_LINKS, HNSW_BUILD_WIDTH = 32, 200
TRAINING_VECTORS_PER_LIST = 64
"""FAISS warns below 39 vectors a list, and reads no more than 256."""
BLOCK_ROWS = 65_536


def build(parts: Sequence[Array], index: Path, kind: str) -> dict[str, Any]:
    """Write the FAISS index of the vectors; return its settings (nothing for exact search)."""
    if kind == "exact":
        return {}
    import faiss

    total = sum(map(len, parts))
    built, settings = MAKERS[kind](parts, total)
    with bar(total=total, desc=f"index by {kind}", unit="vector", unit_scale=True) as progress:
        for *_, block in vectors.blocks(parts, BLOCK_ROWS):
            built.add(block.astype(np.float32))
            progress.update(len(block))
    faiss.write_index(built, str(index / FAISS_FILE))
    return {"faiss": faiss.__version__, "settings": settings}


def _hnsw(parts: Sequence[Array], _total: int) -> tuple[Any, dict[str, int]]:
    import faiss

    made = faiss.IndexHNSWFlat(parts[0].shape[1], HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
    made.hnsw.efConstruction = HNSW_BUILD_WIDTH
    return made, {"links": HNSW_LINKS, "build_width": HNSW_BUILD_WIDTH}


def _ivf(parts: Sequence[Array], total: int) -> tuple[Any, dict[str, int]]:
    import faiss

    size, lists = parts[0].shape[1], max(1, int(4 * total**0.5))
    lists = min(lists, max(1, total // 39))  # FAISS wants 39 vectors a list to train on
    made = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, lists, faiss.METRIC_INNER_PRODUCT)
    rows = np.random.default_rng(0).choice(
        total, min(total, TRAINING_VECTORS_PER_LIST * lists), replace=False
    )
    made.train(vectors.take_rows(parts, np.sort(rows)).astype(np.float32))
    return made, {"lists": lists}


MAKERS: dict[str, Callable[[Sequence[Array], int], tuple[Any, dict[str, int]]]] = {
    "hnsw": _hnsw,
    "ivf": _ivf,
}
