"""Reciprocal rank fusion on runs small enough to add up by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import retrieve_passages
from slmrag.errors import UserError
from slmrag.retrieval import rrf
from slmrag.retrieval.hits import Hits

NOWHERE = Path("unused")


def run(*ranked: list[int]) -> Hits:
    """Return hits of one question after another, in the order given."""
    return Hits.of((rows, np.arange(len(rows), 0, -1)) for rows in ranked)


def test_two_runs() -> None:
    """A passage that both runs have beats one that a single run has first."""
    hits = rrf.combine([run([7, 3]), run([3, 9])], ["q"], NOWHERE, 10, {})
    assert hits.passage.tolist() == [3, 7, 9]
    assert hits.score.tolist() == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])


def test_ties_go_to_the_lower_row() -> None:
    """Equal sums are ordered by row, not by run."""
    assert rrf.combine([run([9]), run([2])], ["q"], NOWHERE, 10, {}).passage.tolist() == [2, 9]


def test_a_question_that_one_run_lacks() -> None:
    """A question without hits in one run keeps those of the other."""
    hits = rrf.combine([run([1], []), run([], [4])], ["a", "b"], NOWHERE, 10, {})
    assert hits.question.tolist() == [0, 1]
    assert hits.passage.tolist() == [1, 4]


def test_no_hits_at_all() -> None:
    """Runs without hits fuse to none."""
    assert len(rrf.combine([run([]), run([])], ["a"], NOWHERE, 10, {})) == 0


def test_k_weighs_the_first_ranks() -> None:
    """With a small k a first place beats two late ones."""
    runs = [run([5, 1, 2]), run([6, 3, 2])]
    assert rrf.combine(runs, ["q"], NOWHERE, 1, {"k": 0.1}).passage.tolist() == [5]
    assert rrf.combine(runs, ["q"], NOWHERE, 1, {"k": 60}).passage.tolist() == [2]


def fuse(folder: Path, passage: str) -> None:
    """Fuse two tables of hits by retrieve_passages."""
    pl.DataFrame({"id": ["a", "b"], "title": ["", ""], "text": ["x", "y"]}).write_parquet(
        folder / "passages.parquet"
    )
    gold = pl.Series("gold", [[]], pl.List(pl.Struct({"id": pl.String})))
    pl.DataFrame({"question_id": ["q"], "question": ["?"], "answers": [["x"]]}).with_columns(
        gold
    ).write_parquet(folder / "questions.parquet")
    pl.DataFrame(
        {"question_id": ["q"], "rank": [1], "passage_id": [passage], "score": [1.0]},
        schema_overrides={"rank": pl.Int32},
    ).write_parquet(folder / "run.parquet")
    retrieve_passages.main(
        SimpleNamespace(
            passages=folder / "passages.parquet",
            questions=folder / "questions.parquet",
            index=[],
            encoder=[],
            hits=[folder / "run.parquet"] * 2,
        ),
        SimpleNamespace(hits=folder / "hits.parquet", metrics=folder / "metrics.json"),
        SimpleNamespace(entry={"kind": "rrf", "of": ["a", "b"], "depth": 5}, hardware={}),
    )


def test_from_table_to_table(tmp_path: Path) -> None:
    """The script reads runs by their ids and writes one of the same form."""
    fuse(tmp_path, "b")
    assert pl.read_parquet(tmp_path / "hits.parquet").row(0) == ("q", 1, "b", 2 / 61)


def test_hits_of_another_corpus(tmp_path: Path) -> None:
    """A passage that the corpus does not have is named."""
    with pytest.raises(UserError, match="'zz'"):
        fuse(tmp_path, "zz")
