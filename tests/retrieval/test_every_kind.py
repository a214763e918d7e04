"""Every kind of retriever through the workflow's own rules, in one run."""

import os
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from tests.models import tiny_encoders as models
from tests.retrieval.test_lucene import found as has_lucene
from tests.workflow.project import make_project

RETRIEVERS = {
    "okapi": {"kind": "rank_bm25", "depth": 6},
    "fast": {"kind": "bm25s", "depth": 6},
    "hashed": {"kind": "dense", "encoder": "hashing", "depth": 6},
    "shared": {"kind": "dense", "encoder": "hashing", "depth": 6, "shards": 2},
    "fused": {"kind": "rrf", "of": ["okapi", "hashed"], "depth": 6},
}
HASHED = {"kind": "dense", "encoder": "hashing", "depth": 6}
FAISS = {"near": HASHED | {"ann": "hnsw"}, "cells": HASHED | {"ann": "ivf"}}
LUCENE = {"java": {"kind": "lucene", "depth": 6}}


@pytest.mark.slow
def test_every_kind(tmp_path: Path) -> None:
    """Each kind of retriever finds passages for the questions, and its metrics are written."""
    pytest.importorskip("transformers")
    reader = models.save(tmp_path / "reader", "BertForSequenceClassification", num_labels=1)
    towers = [
        models.save(tmp_path / tower, tower)
        for tower in ("DPRContextEncoder", "DPRQuestionEncoder")
    ]
    retrievers = {
        **RETRIEVERS,
        **(LUCENE if has_lucene() else {}),
        **(FAISS if find_spec("faiss") else {}),
        "read": {"kind": "rerank", "of": "okapi", "encoder": str(reader), "depth": 3},
        "towers": {
            "kind": "dense",
            "encoder": str(towers[0]),
            "query_encoder": str(towers[1]),
            "pooling": "cls",
            "max_length": 32,
            "depth": 3,
        },
    }
    prompt = "config/prompts/with_context.jinja"
    modes = {
        name: {"context": "retriever", "prompt": prompt, "retriever": name, "passages": 2}
        for name in retrievers
    }
    project = make_project(tmp_path / "project", retrievers=retrievers, modes=modes)
    project.run("retrieval", env={"OMP_NUM_THREADS": "1", **os.environ})
    for name in retrievers:
        folder = project.folder / "results/tiny/retrieval/quiz"
        hits = pl.read_parquet(folder / f"{name}.parquet")
        assert hits["question_id"].n_unique() == 5, name
        metrics = project.read(f"results/tiny/retrieval/quiz/{name}.json")
        assert metrics["questions"] == 5
        assert metrics["passages"] == 6
        assert all(value["low"] is not None for value in metrics["metrics"].values()), name
    one, two = (pl.read_parquet(folder / f"{name}.parquet") for name in ("hashed", "shared"))
    assert one.equals(two)
    lacking = [kind for kind in (*LUCENE, *FAISS) if kind not in retrievers]
    if lacking:
        pytest.skip(f"all others passed; not installed here: {', '.join(lacking)}")
