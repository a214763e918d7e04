"""The state of each cell, by what Snakemake says of its scores."""

import pytest
from slmrag.dag.status import cell_state, describe_status

SCORE = "results/tiny/scores/{}.json"


def row(cell, status="ok", plan="no update", rule="score_answers"):
    """Return a row of Snakemake's summary for a cell's file of scores."""
    return {"output_file": SCORE.format(cell), "rule": rule, "status": status, "plan": plan}


@pytest.mark.parametrize(
    ("said", "active", "expected"),
    [
        (("ok", "no update"), [], "done"),
        (("rule implementation changed", "no update"), [], "done"),
        (("params changed", "update pending"), [], "stale"),
        (("missing", "update pending"), [], "missing"),
        (("missing", "update pending"), ["parrot"], "running"),
        (("ok", "update pending"), ["parrot/quiz/one"], "running"),
        (("ok", "no update"), ["parrot/quiz/on", "parro"], "done"),
    ],
)
def test_a_cell_s_state(said, active, expected):
    """A cell at work is running; else what Snakemake would do with its scores decides."""
    assert cell_state(row("parrot/quiz/one", *said), "parrot/quiz/one", active) == expected


def test_all_cells_are_counted_and_those_not_done_named(tmp_path, monkeypatch):
    """Only scores count, once each; the folders' sizes stand last."""
    monkeypatch.chdir(tmp_path)
    others = [row("a/b/c", rule="generate_answers"), row("a/b/c") | {"output_file": "x.parquet"}]
    rows = [row("m/d/two", "missing", "update pending"), row("m/d/one"), *others]
    assert describe_status(rows).splitlines() == [
        "1 done, 0 running, 0 stale, 1 missing",
        "  missing  m/d/two",
        "results/tiny: 0 B",
        "resources: 0 B",
    ]
