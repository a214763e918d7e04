"""A cross-encoder over another retriever's hits."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from slmrag.errors import UserError

from tests.models import tiny_encoders as models
from tests.retrieval.conftest import write_corpus, write_questions

pytestmark = pytest.mark.slow

pytest.importorskip("transformers")
TEXTS = ["oslo the capital of norway", "rome", "a rainy bergen of norway", "fish", "the capital"]
QUESTIONS = ["capital of norway", "bergen"]


def logits(folder: Path, question: str, text: str) -> list[float]:
    """Return a pair's logits as transformers gives them."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    batch = AutoTokenizer.from_pretrained(folder)(question, text, return_tensors="pt")
    with torch.inference_mode():
        return model(**batch).logits[0].tolist()


@pytest.mark.parametrize("classes", [1, 2])
def test_hits_are_ordered_by_the_model(tmp_path: Path, run: Callable, classes: int) -> None:
    """Scores are the model's for each pair, and rank the same passages anew."""
    folder = models.save(tmp_path / "ce", "BertForSequenceClassification", num_labels=classes)
    write_corpus(tmp_path, TEXTS)
    write_questions(tmp_path, QUESTIONS)
    first = run({"kind": "rank_bm25", "depth": 4})
    entry = {"kind": "rerank", "of": "x", "encoder": "x", "depth": 4}
    hits = run(entry, encoder=folder, hits=[tmp_path / "rank_bm25.parquet"])
    assert set(hits["passage_id"]) == set(first["passage_id"])
    for question, group in hits.group_by("question_id", maintain_order=True):
        assert group["score"].is_sorted(descending=True)
        for passage, score in zip(group["passage_id"], group["score"], strict=True):
            found = logits(folder, QUESTIONS[int(question[0][1:])], TEXTS[int(passage[1:])])
            assert score == pytest.approx(found[-1] - sum(found[:-1]), abs=1e-4)


def test_candidates_are_the_first_hits(tmp_path: Path, run: Callable) -> None:
    """Only the first candidates of each question are read and kept."""
    folder = models.save(tmp_path / "ce", "BertForSequenceClassification", num_labels=1)
    write_corpus(tmp_path, TEXTS)
    write_questions(tmp_path, QUESTIONS)
    first = run({"kind": "rank_bm25", "depth": 4})
    entry = {"kind": "rerank", "of": "x", "encoder": "x", "depth": 4, "candidates": 1}
    hits = run(entry, encoder=folder, hits=[tmp_path / "rank_bm25.parquet"])
    best = first.filter(pl.col("rank") == 1)
    assert hits["passage_id"].to_list() == best["passage_id"].to_list()


def test_a_classifier_of_three_classes(tmp_path: Path, run: Callable) -> None:
    """A model of three classes is no cross-encoder."""
    folder = models.save(tmp_path / "ce", "BertForSequenceClassification", num_labels=3)
    write_corpus(tmp_path, TEXTS)
    write_questions(tmp_path, QUESTIONS)
    run({"kind": "rank_bm25", "depth": 4})
    with pytest.raises(UserError, match="3 classes"):
        entry = {"kind": "rerank", "of": "x", "encoder": "x", "depth": 4}
        run(entry, encoder=folder, hits=[tmp_path / "rank_bm25.parquet"])
