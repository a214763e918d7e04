"""Questions of nothing, of stop words, and of 10,000 words, for the kinds that need a library."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from slmrag.files import read_json

from tests.models import tiny_encoders as models
from tests.retrieval.conftest import write_corpus, write_questions

pytestmark = pytest.mark.slow

QUESTIONS = ["", " \n", "?!", "the of and", " ".join(f"x{n}" for n in range(10_000)), "rome"]
TEXTS = ["the capital of italy rome", "oslo", "", "a fish"]


def counted(folder: Path) -> tuple[int, int]:
    """Return how many questions the metrics are over, and how many found nothing."""
    metrics = read_json(folder / "metrics.json")
    return metrics["questions"], metrics["without_hits"]


@pytest.mark.parametrize("more", [{}, {"method": "bm25+"}, {"tokenizer": "whitespace"}])
def test_bm25s(tmp_path: Path, run: Callable, more: dict[str, Any]) -> None:
    """A question without a term of the corpus has no hits, and is counted."""
    pytest.importorskip("bm25s")
    write_corpus(tmp_path, TEXTS)
    write_questions(tmp_path, QUESTIONS)
    hits = run({"kind": "bm25s", "stopwords": "english", "depth": 9, **more})
    assert hits["question_id"].to_list() == ["q5"]
    assert counted(tmp_path) == (6, 5)


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_an_encoder(tmp_path: Path, run: Callable, pooling: str) -> None:
    """A dense retriever ranks all passages for any question, and an endless one is cut."""
    pytest.importorskip("transformers")
    folder = models.save(tmp_path / "bert", "BertModel")
    write_corpus(tmp_path, TEXTS)
    write_questions(tmp_path, QUESTIONS)
    entry = {"kind": "dense", "encoder": "x", "pooling": pooling, "depth": 9}
    assert len(run(entry, encoder=folder)) == 6 * len(TEXTS)
    assert counted(tmp_path) == (6, 0)


def test_a_reranker(tmp_path: Path, run: Callable) -> None:
    """A cross-encoder cuts what is too long for it, and has nothing to say where none was found."""
    pytest.importorskip("transformers")
    folder = models.save(tmp_path / "ce", "BertForSequenceClassification", num_labels=1)
    write_corpus(tmp_path, [*TEXTS, " ".join(["rome"] * 5_000)])
    write_questions(tmp_path, [*QUESTIONS, " ".join(["fish"] * 10_000)])
    run({"kind": "rank_bm25", "stopwords": "english", "depth": 9})
    entry = {"kind": "rerank", "of": "x", "encoder": "x", "depth": 9}
    hits = run(entry, encoder=folder, hits=[tmp_path / "rank_bm25.parquet"])
    assert set(hits["question_id"]) == {"q5", "q6"}
    assert counted(tmp_path) == (7, 5)


def test_nothing_to_rerank(tmp_path: Path, run: Callable) -> None:
    """A run without a hit stays one, fused or ranked anew."""
    pytest.importorskip("transformers")
    folder = models.save(tmp_path / "ce", "BertForSequenceClassification", num_labels=1)
    write_corpus(tmp_path, TEXTS)
    write_questions(tmp_path, ["", "zzz"])
    run({"kind": "rank_bm25", "depth": 9})
    nothing = [tmp_path / "rank_bm25.parquet"]
    entry = {"kind": "rerank", "of": "x", "encoder": "x", "depth": 9}
    assert run(entry, encoder=folder, hits=nothing).height == 0
    assert run({"kind": "rrf", "of": ["x", "x"], "depth": 9}, hits=2 * nothing).height == 0


def test_a_search_without_any_hit_is_told(
    tmp_path: Path, run: Callable[..., pl.DataFrame], caplog: pytest.LogCaptureFixture
) -> None:
    """Where no question has a hit a warning says so; where one has, none does."""
    write_corpus(tmp_path, ["the cat", "日本の首都"])
    write_questions(tmp_path, ["собака", "?"])
    assert run({"kind": "rank_bm25", "depth": 2}).height == 0
    assert "no question has a hit" in caplog.text
    caplog.clear()
    write_questions(tmp_path, ["собака", "首都"])
    assert run({"kind": "rank_bm25", "depth": 2})["passage_id"].to_list() == ["p1"]
    assert "no question has a hit" not in caplog.text


def test_white_space_cannot_split_chinese(
    tmp_path: Path, run: Callable[..., pl.DataFrame], caplog: pytest.LogCaptureFixture
) -> None:
    """An index whose tokenizer takes sentences for words says so."""
    write_corpus(tmp_path, ["日本の首都", "café cafe\u0301"])
    write_questions(tmp_path, ["cafe\u0301"])
    found = run({"kind": "rank_bm25", "tokenizer": "whitespace", "depth": 2})
    assert found["passage_id"].to_list() == ["p1"]
    assert "use tokenizer: words" in caplog.text
