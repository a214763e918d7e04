"""What so many questions could show is told before a run, and from what it is reckoned."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from slmrag.dag.detectable_effect import PowerSettings, describe_effects, question_count
from slmrag.scoring.paired_tests import minimum_detectable_effect


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder in which nothing was run yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


TABLES = {"quiz": "questions.parquet"}


def prepared(folder, n):
    """Write a prepared data set of n questions."""
    table = pl.DataFrame({"question_id": [str(i) for i in range(n)]})
    table.write_parquet(folder / TABLES["quiz"])


def wanted(limit=None, metric="token_recall", confidence=0.95):
    """Return what is asked of the one data set."""
    return PowerSettings(metric, confidence, {"quiz": limit}, TABLES, Path("results/tiny/scores"))


def line(limit=None):
    """Return what is said of the one data set."""
    return describe_effects(wanted(limit)).splitlines()[1].strip()


def test_nothing_is_known_yet():
    """Without a size the difference is told for some, with the spread that is assumed."""
    assert line() == (
        "quiz: 0.140 with 100, 0.081 with 300, 0.044 with 1,000, 0.026 with 3,000; how many "
        "questions it has is known once it is prepared (assumed: differences' deviation 0.5)"
    )


def test_a_limit_is_a_size():
    """A sample's size stands in the config."""
    assert line(limit=100).startswith("quiz: 0.140 with 100 questions, its limit")


def test_a_prepared_set_has_its_size(folder):
    """The prepared questions are counted; a limit above them does not make more of them."""
    prepared(folder, 400)
    assert line().startswith("quiz: 0.070 with 400 questions, as prepared (assumed")
    assert question_count(500, TABLES["quiz"]) == (400, "400 questions, as prepared")


def test_an_earlier_run_gives_the_spread(folder):
    """The scores of this experiment replace the assumption; the formula is the report's."""
    prepared(folder, 200)
    random = np.random.default_rng(0)
    scores = random.random((200, 3))
    for number, model in enumerate("abc"):
        place = folder / f"results/tiny/scores/{model}/quiz"
        place.mkdir(parents=True)
        table = {"question_id": [f"{i:03}" for i in range(200)], "token_recall": scores[:, number]}
        pl.DataFrame(table).sample(fraction=1, shuffle=True, seed=number).write_parquet(
            place / "no_context.parquet"
        )
    other = folder / "results/tiny/scores/d/quiz"
    other.mkdir(parents=True)
    pl.DataFrame({"question_id": ["x"] * 200, "token_recall": [1.0] * 200}).write_parquet(
        other / "no_context.parquet"
    )
    pairs = [np.std(scores[:, a] - scores[:, b], ddof=1) for a, b in ((0, 1), (0, 2), (1, 2))]
    low, high = (minimum_detectable_effect(d, 200) for d in (np.median(pairs), max(pairs)))
    assert line() == (
        f"quiz: {low:.3f} to {high:.3f} with 200 questions, as prepared "
        "(spread of 3 cells that this experiment scored: median to largest)"
    )


def test_a_stricter_level_wants_more():
    """The level of the config's intervals is that of the test."""
    strict = describe_effects(wanted(metric="f1", confidence=0.99))
    assert "in f1 that a paired test finds 8 times in 10 at 99%" in strict
    assert "0.171 with 100" in strict


def test_cells_that_agree_tell_no_spread(folder):
    """Two cells of equal scores are no reason to expect that any difference is seen."""
    prepared(folder, 100)
    for model in "ab":
        place = folder / f"results/tiny/scores/{model}/quiz"
        place.mkdir(parents=True)
        table = {"question_id": [str(i) for i in range(100)], "token_recall": [0.5] * 100}
        pl.DataFrame(table).write_parquet(place / "no_context.parquet")
    assert line().startswith("quiz: 0.140 with 100 questions, as prepared (assumed")
