"""A tiny model, a table of prompts, and the job over them."""

import os
from pathlib import Path

import polars as pl
import pytest

from tests.models.tiny_model import make_model, manifest

TEMPLATE = (Path(__file__).parents[2] / "config" / "prompts" / "with_context.jinja").read_text()
SENTENCE = "The capital of France is Paris and the highest point is a mountain. "
PASSAGES = pl.List(pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String}))

os.environ.setdefault("OMP_NUM_THREADS", "1")


def write_prompts(path: Path, count: int, passages: int = 1, start: int = 0) -> Path:
    """Write a table of ``count`` distinct prompts."""
    shown = [{"id": str(i), "title": "France", "text": SENTENCE * 2} for i in range(passages)]
    rows = [
        {
            "question_id": f"q{i}",
            "question": f"who wrote number {start + i}?",
            "passages": shown,
            "template": TEMPLATE,
        }
        for i in range(count)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows, schema_overrides={"passages": PASSAGES}).write_parquet(path)
    return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """A tiny random base model."""
    pytest.importorskip("transformers")
    folder = make_model(tmp_path_factory.mktemp("models") / "tiny")
    manifest(folder)
    return folder


def job_spec(
    folder: Path, tables: list[Path], model: Path | None, to: str = "out", **entry
) -> dict:
    """Return input, output and params of a generate job, as JSON."""
    cells = [table.stem for table in tables]
    return {
        "input": {
            "prompts": [str(table) for table in tables],
            "checkpoint": [str(model)] if model else [],
            "manifest": [f"{model}.json"] if model else [],
        },
        "output": {
            "answers": [str(folder / to / f"{cell}.parquet") for cell in cells],
            "timings": [str(folder / to / f"{cell}.times.parquet") for cell in cells],
        },
        "params": {
            "model": entry,
            "sampling": {"max_tokens": 12},
            "hardware": {"threads": 1, "gpus": 0},
            "cells": cells,
            "journal": str(folder / "journal"),
        },
    }
