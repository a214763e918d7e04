"""The BM25 kinds against the libraries that they stand for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from slmrag.indexing.analyzer import split_words

from tests.retrieval.conftest import write_corpus, write_questions, zipf_texts

ADVERSARIAL = ["a b", "a b", "a c a a a", "", "a", "b c d", "a b c d e f", "a", "", "a e"]
QUERIES = ["a", "b a", "a a a", "e d unknown", "unknown", "f", "c b a d e f", ""]


def first_hits(scores: np.ndarray, holding: np.ndarray, depth: int) -> np.ndarray:
    """Return the best rows of those that hold a term of the query, ties by lower row."""
    rows = np.flatnonzero(holding)
    return rows[np.lexsort((rows, -scores[rows]))][:depth]


def assert_equal(
    hits: pl.DataFrame, question: int, expected: np.ndarray, scores: np.ndarray
) -> None:
    """Hold one question's hits against rows and scores, to the last bit."""
    mine = hits.filter(question_id=f"q{question}")
    assert mine["passage_id"].to_list() == [f"p{row}" for row in expected]
    assert mine["score"].to_list() == scores[expected].tolist()


@pytest.mark.parametrize("variant", ["okapi", "plus", "l"])
@pytest.mark.parametrize("corpus", ["adversarial", "zipf"])
@pytest.mark.parametrize("weights", [{}, {"k1": 0.9, "b": 0.4}, {"k1": 3, "b": 0.0}])
def test_rank_bm25(
    tmp_path: Path, run: Callable, variant: str, corpus: str, weights: dict[str, float]
) -> None:
    """Ids and scores are rank_bm25's own, on random passages and on awkward ones."""
    rank_bm25 = pytest.importorskip("rank_bm25")
    library = {"okapi": "BM25Okapi", "plus": "BM25Plus", "l": "BM25L"}[variant]
    texts = ADVERSARIAL if corpus == "adversarial" else zipf_texts(3_000)
    queries = QUERIES if corpus == "adversarial" else zipf_texts(20, seed=1, length=12)
    write_corpus(tmp_path, texts)
    write_questions(tmp_path, queries)
    hits = run({"kind": "rank_bm25", "variant": variant, "depth": 7, **weights})
    theirs = getattr(rank_bm25, library)([split_words(text) for text in texts], **weights)
    for number, query in enumerate(queries):
        asked = split_words(query)
        holding = np.array([not set(asked).isdisjoint(split_words(text)) for text in texts])
        scores = theirs.get_scores(asked)
        assert_equal(hits, number, first_hits(scores, holding, 7), scores)


@pytest.mark.parametrize("method", ["robertson", "lucene", "atire", "bm25l", "bm25+"])
def test_bm25s(tmp_path: Path, run: Callable, method: str) -> None:
    """Ids and scores are bm25s's own, but for the order of equal scores."""
    bm25s = pytest.importorskip("bm25s")
    texts, queries = zipf_texts(3_000), zipf_texts(20, seed=1, length=12)
    write_corpus(tmp_path, texts)
    write_questions(tmp_path, queries)
    hits = run({"kind": "bm25s", "method": method, "depth": 7})
    theirs = bm25s.BM25(method=method)
    theirs.index([split_words(text) for text in texts], show_progress=False)
    for number, query in enumerate(queries):
        asked = split_words(query)
        if not asked:
            continue
        scores = theirs.get_scores(asked).astype(float)
        without = theirs.nonoccurrence_array
        known = theirs.get_tokens_ids(asked)
        floor = 0.0 if without is None else float(without[known].sum())
        assert_equal(hits, number, first_hits(scores, scores > floor, 7), scores)


def test_metrics_are_trec_evals(tmp_path: Path, run: Callable) -> None:
    """Recall, reciprocal rank and nDCG are those of ir-measures on the same hits."""
    ir_measures = pytest.importorskip("ir_measures")
    from ir_measures import RR, R, nDCG
    from slmrag.files import read_json

    texts = zipf_texts(300)
    write_corpus(tmp_path, texts)
    write_questions(tmp_path, [text[:40] for text in texts[:50]])
    hits = run({"kind": "rank_bm25", "depth": 20})
    ours = read_json(tmp_path / "metrics.json")["metrics"]
    qrels = [ir_measures.Qrel(f"q{row}", f"p{row}", 1) for row in range(50)]
    # trec_eval breaks ties by name: hand it ranks instead of scores
    ranked = [ir_measures.ScoredDoc(q, p, -float(r)) for q, r, p, _ in hits.iter_rows()]
    theirs = ir_measures.calc_aggregate([R @ 5, nDCG @ 10, RR], qrels, ranked)
    for measure, name in ((R @ 5, "gold_recall@5"), (nDCG @ 10, "ndcg@10"), (RR, "mrr")):
        assert ours[name]["mean"] == pytest.approx(theirs[measure])
