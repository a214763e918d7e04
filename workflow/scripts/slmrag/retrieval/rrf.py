"""Reciprocal rank fusion of other retrievers' hits: Cormack et al. (SIGIR 2009)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.retrieval.hits import Hits


def combine(
    runs: Sequence[Hits],
    questions: Sequence[str],
    passages: Path,
    depth: int,
    params: Mapping[str, Any],
) -> Hits:
    """Return for each question the passages of largest sum of ``1 / (k + rank)`` over the runs."""
    k, size = params.get("k", 60), 1 + max((int(r.passage.max(initial=0)) for r in runs), default=0)
    pairs = np.concatenate([run.question * size + run.passage for run in runs])
    worth = np.concatenate([1 / (k + run.rank.astype(float)) for run in runs])
    found, places = np.unique(pairs, return_inverse=True)
    scores = np.bincount(places, worth, minlength=len(found))
    return Hits.best(found // size, found % size, scores, depth)
