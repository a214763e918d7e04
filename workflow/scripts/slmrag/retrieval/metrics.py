"""Metrics of hits: has-answer@k (Karpukhin et al. 2020), gold recall@k, MRR and nDCG.

Every question counts, with or without hits. Gold metrics are over the questions with at least one
gold passage in the corpus; their other gold passages count as not found. Without any gold in the
corpus they are null. Relations (a hit contains gold, or is part of it) are over all questions with
gold.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray
BoundsFunction = Callable[[Array], Array]
"""Takes values, [questions, metrics], and returns the bounds of each mean, [metrics, 2]."""

CUTOFFS = (1, 5, 10, 20, 100, 1000)


@dataclass(frozen=True)
class Relevance:
    """Which hits are relevant: parallel arrays over hits, and counts by question.

    ``question`` and ``rank`` (from 1) place a hit; ``is_gold`` marks each gold passage's first hit.
    ``gold_passages`` is each question's number of gold passages, ``gold_in_corpus`` how many of
    them the corpus has. ``relations`` are other things that a hit is, by name; ``counts`` say how
    the gold passages were found.
    """

    question: Array
    rank: Array
    has_answer: Array
    is_gold: Array
    gold_passages: Array
    gold_in_corpus: Array
    relations: Mapping[str, Array] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


def summarize(relevance: Relevance, depth: int, bounds_of: BoundsFunction) -> dict[str, Any]:
    """Return counts, and each metric's mean with a bootstrap interval or why it has none."""
    total = len(relevance.gold_passages)
    with_gold, scored = relevance.gold_passages > 0, relevance.gold_in_corpus > 0
    gold, related = gold_metrics(relevance, depth), relations(relevance, depth)
    known = intervals({name: values[scored] for name, values in gold.items()}, bounds_of)
    if with_gold.any() and not scored.any():
        known = unknown_metrics(gold, relevance.counts)
    metrics = intervals(answer_metrics(relevance, depth), bounds_of) | known
    return {
        "questions": total,
        "without_hits": total - len(np.unique(relevance.question)),
        "with_gold": int(with_gold.sum()),
        "gold_scored": int(scored.sum()),
        "gold_passages": int(relevance.gold_passages.sum()),
        "gold_in_corpus": _share(relevance.gold_in_corpus, relevance.gold_passages),
        **relevance.counts,
        "depth": depth,
        "metrics": metrics
        | intervals({n: values[with_gold] for n, values in related.items()}, bounds_of),
    }


def unknown_metrics(names: Iterable[str], counts: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Return metrics that cannot be known: null, with the reason."""
    reason = "no gold passage is in the corpus, by id or by text"
    if chunks := counts.get("gold_chunked"):
        reason += f" (documents that it has in chunks: {chunks})"
    return {name: {"mean": None, "low": None, "high": None, "reason": reason} for name in names}


def answer_metrics(relevance: Relevance, depth: int) -> dict[str, Array]:
    """Return has-answer@k of each question: whether any of its first k hits holds an answer."""
    return _any_within("has_answer", relevance, relevance.has_answer, depth)


def relations(relevance: Relevance, depth: int) -> dict[str, Array]:
    """Return for each relation whether any of a question's first k hits has it."""
    found: dict[str, Array] = {}
    for name, holds in relevance.relations.items():
        found |= _any_within(name, relevance, holds, depth)
    return found


def _any_within(name: str, relevance: Relevance, holds: Array, depth: int) -> dict[str, Array]:
    return {
        f"{name}@{k}": (_within(relevance, holds, k) > 0).astype(float) for k in _cutoffs(depth)
    }


def gold_metrics(relevance: Relevance, depth: int) -> dict[str, Array]:
    """Return gold recall@k, reciprocal rank and nDCG@k of each question, 0 where none is found."""
    cutoffs, wanted = _cutoffs(depth), np.maximum(relevance.gold_passages, 1)
    gold = relevance.is_gold
    recalls = {f"gold_recall@{k}": _within(relevance, gold, k) / wanted for k in cutoffs}
    gains = gold / np.log2(relevance.rank + 1.0)
    ndcgs = {f"ndcg@{k}": _within(relevance, gains, k) / _ideal_gains(wanted, k) for k in cutoffs}
    return recalls | {"mrr": _reciprocal_ranks(relevance)} | ndcgs


def intervals(
    metrics: dict[str, Array], bounds_of: BoundsFunction
) -> dict[str, dict[str, float | None]]:
    """Return mean, low and high of each metric; null where the bounds are not finite."""
    if not metrics or not len(next(iter(metrics.values()))):
        return {}
    values = np.stack(list(metrics.values()), axis=1)
    return {
        name: {"mean": float(mean), "low": _finite(low), "high": _finite(high)}
        for name, mean, (low, high) in zip(
            metrics, values.mean(axis=0), bounds_of(values), strict=True
        )
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _cutoffs(depth: int) -> list[int]:
    return [k for k in CUTOFFS if k <= depth] or [depth]


def _within(relevance: Relevance, weights: Array, k: int) -> Array:
    """Return each question's sum of weights over its first k hits."""
    kept = relevance.rank <= k
    total = len(relevance.gold_passages)
    return np.bincount(relevance.question[kept], weights[kept].astype(float), minlength=total)


def _ideal_gains(wanted: Array, k: int) -> Array:
    gains = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    return gains[np.minimum(wanted, k) - 1]


def _reciprocal_ranks(relevance: Relevance) -> Array:
    best = np.zeros(len(relevance.gold_passages))
    np.maximum.at(
        best, relevance.question[relevance.is_gold], 1 / relevance.rank[relevance.is_gold]
    )
    return best


def _share(part: Array, whole: Array) -> float | None:
    return float(part.sum() / whole.sum()) if whole.sum() else None
