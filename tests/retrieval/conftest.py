"""A small corpus and its questions, as the workflow's tables."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import index_passages
import numpy as np
import polars as pl
import pytest
import retrieve_passages

PASSAGE = pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String})
HARDWARE = {"gpus": 0, "threads": 2}


def write_corpus(folder: Path, texts: list[str]) -> Path:
    """Write texts as passages p0, p1, ... and return the table's path."""
    ids = [f"p{row}" for row in range(len(texts))]
    table = pl.DataFrame({"id": ids, "title": [""] * len(texts), "text": texts})
    table.write_parquet(folder / "passages.parquet")
    return folder / "passages.parquet"


def write_questions(folder: Path, questions: list[str]) -> Path:
    """Write questions q0, q1, ... whose gold passage is that of the same number."""
    rows = range(len(questions))
    pl.DataFrame(
        {
            "question_id": [f"q{row}" for row in rows],
            "question": questions,
            "answers": [["x"] for _ in rows],
            "gold": [[{"id": f"p{row}", "title": "", "text": ""}] for row in rows],
        },
        schema_overrides={"gold": pl.List(PASSAGE)},
    ).write_parquet(folder / "questions.parquet")
    return folder / "questions.parquet"


def zipf_texts(count: int, seed: int = 0, words: int = 2_000, length: int = 40) -> list[str]:
    """Return texts whose words are distributed as in English: few of them make up most."""
    rng = np.random.default_rng(seed)
    return [
        " ".join(f"w{n % words}" for n in rng.zipf(1.3, rng.integers(0, length)))
        for _ in range(count)
    ]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., pl.DataFrame]:
    """Return a function that indexes a corpus, searches it, and returns the table of hits."""

    def index_and_retrieve(
        entry: dict[str, Any],
        encoder: Path | None = None,
        hits: list[Path] | None = None,
        query_encoder: Path | None = None,
    ) -> pl.DataFrame:
        inputs = SimpleNamespace(
            passages=tmp_path / "passages.parquet",
            questions=tmp_path / "questions.parquet",
            index=[] if hits else [tmp_path / "index"],
            hits=hits or [],
            encoder=[encoder] if encoder else [],
        )
        params = SimpleNamespace(entry=entry, hardware=HARDWARE)
        if not hits:
            built = SimpleNamespace(index=tmp_path / "index", manifest=tmp_path / "index.json")
            index_passages.main(inputs, built, params)
        if query_encoder:
            inputs.encoder = [query_encoder]
        outputs = SimpleNamespace(
            hits=tmp_path / f"{entry['kind']}.parquet", metrics=tmp_path / "metrics.json"
        )
        retrieve_passages.main(inputs, outputs, params)
        return pl.read_parquet(outputs.hits)

    return index_and_retrieve
