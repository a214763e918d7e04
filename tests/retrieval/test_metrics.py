"""Retrieval metrics on hits small enough to count by hand."""

import numpy as np
import pytest
from slmrag.retrieval.metrics import Relevance, answer_metrics, gold_metrics, intervals, summarize
from slmrag.scoring.bootstrap import intervals_95

HITS = Relevance(
    question=np.array([0, 0, 0, 1, 1, 3]),
    rank=np.array([1, 2, 3, 1, 2, 1]),
    has_answer=np.array([False, True, True, False, False, True]),
    is_gold=np.array([False, True, False, False, False, True]),
    gold_passages=np.array([2, 1, 1, 0]),
    gold_in_corpus=np.array([2, 0, 1, 0]),
)


def test_has_answer_counts_every_question() -> None:
    """A question without hits stays in the denominator as a miss."""
    found = answer_metrics(HITS, 5)
    assert found["has_answer@1"].tolist() == [0, 0, 0, 1]
    assert found["has_answer@5"].tolist() == [1, 0, 0, 1]


def test_gold_recall_is_a_share_of_the_gold() -> None:
    """Half of two gold passages found is a recall of a half."""
    assert gold_metrics(HITS, 5)["gold_recall@5"].tolist() == [0.5, 0, 0, 1]


def test_reciprocal_rank_is_of_the_first_gold() -> None:
    """A first gold passage at rank 2 gives a half."""
    assert gold_metrics(HITS, 5)["mrr"].tolist() == [0.5, 0, 0, 1]


def test_ndcg_divides_by_the_ideal() -> None:
    """One of two gold passages at rank 2 is divided by the gains at ranks 1 and 2."""
    ideal = 1 + 1 / np.log2(3)
    assert gold_metrics(HITS, 5)["ndcg@5"][0] == pytest.approx((1 / np.log2(3)) / ideal)


def test_summary_leaves_questions_without_gold_out_of_gold_metrics_alone() -> None:
    """Gold metrics are means over the two of three questions whose gold the corpus has."""
    summary = summarize(HITS, 5, intervals_95)
    assert (summary["questions"], summary["without_hits"], summary["with_gold"]) == (4, 1, 3)
    assert summary["gold_scored"] == 2
    assert summary["gold_in_corpus"] == 0.75
    assert summary["metrics"]["mrr"]["mean"] == pytest.approx(0.5 / 2)
    assert summary["metrics"]["has_answer@1"]["mean"] == 0.25


def test_no_gold_no_gold_metrics() -> None:
    """A data set without gold passages has has-answer metrics only."""
    none = Relevance(*[np.zeros(0, int)] * 4, np.zeros(3, int), np.zeros(3, int))
    summary = summarize(none, 20, intervals_95)
    assert summary["gold_in_corpus"] is None
    assert set(summary["metrics"]) == {f"has_answer@{k}" for k in (1, 5, 10, 20)}


def test_intervals_hold_the_mean_and_repeat() -> None:
    """An interval lies around its mean, and is the same each time."""
    values = {"x": np.arange(50) / 50}
    found = intervals(values, intervals_95)["x"]
    assert found["low"] < found["mean"] < found["high"]
    assert intervals(values, intervals_95)["x"] == found


def test_depth_below_every_cutoff() -> None:
    """A depth without a usual cutoff below it still has metrics."""
    assert "has_answer@1" in answer_metrics(HITS, 3)
