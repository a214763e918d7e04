"""What a tracker is told of a report: a note, two small tables, and plots; read from the events."""

import json
import re

import polars as pl
import pytest
import report_comparison
from hypothesis import given
from hypothesis import strategies as st
from slmrag.job import events
from slmrag.report.headline import MAX_DATASETS, headline
from slmrag.report.page.formats import format_share
from slmrag.report.tracked_tables import (
    MAX_CELLS,
    MAX_TESTS,
    UNKNOWN,
    comparison_rows,
    estimate_text,
    peak_text,
)

from tests.report.made_up import METRICS, MODES, MadeUp

MODELS = ("tiny", "small", "mid", "large", "huge")
FAMILIES = ("modes of one model", "models in one mode")


def told(experiment):
    """Write a report in a job's place; return its events."""
    log = experiment.folder / "events.jsonl"
    events.use_log(writer := events.EventLog(log))
    try:
        report_comparison.main(experiment.input, experiment.output, experiment.params)
    finally:
        events.use_log(None)
        writer.close()
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report of five models on two data sets, and what it told."""
    experiment = MadeUp(tmp_path_factory.mktemp("made"), MODELS, ("facts", "more"), 30)
    return experiment, told(experiment)


def tables(found):
    """Return the tables by name."""
    return {event["name"]: event["rows"] for event in found if event["kind"] == "table"}


def note(found):
    """Return the note, of which there is one."""
    (text,) = (event["text"] for event in found if event["kind"] == "note")
    return text


def test_the_note_names_the_best_cells(made):
    """For each data set: the best cell without an oracle, its interval, n, test, and costs."""
    experiment, found = made
    rows = pl.read_parquet(experiment.output.parquet)
    pairs = pl.read_parquet(experiment.output.pairs_parquet)
    lines = {
        line[4 : line.index("**:")]: line for line in note(found).splitlines() if "**:" in line
    }
    assert list(lines) == ["facts", "more"]
    for dataset, line in lines.items():
        own = rows.filter(pl.col("dataset") == dataset, pl.col("context") != "oracle")
        best, second = own.sort("token_recall", descending=True, maintain_order=True).to_dicts()[:2]
        assert f"**{estimate_text(best, 'token_recall')}**, n = 30, by `{best['model']}`" in line
        place = "Equal" if second["token_recall"] == best["token_recall"] else "Second"
        assert f"{place}: {estimate_text(second, 'token_recall')}, by `{second['model']}`" in line
        cells = [(row["model"], row["mode"]) for row in (best, second)]
        (test,) = (
            row
            for row in pairs.filter(pl.col("dataset") == dataset).to_dicts()
            if sorted((row[f"{side}_model"], row[f"{side}_mode"]) for side in ("first", "second"))
            == sorted(cells)
        )
        assert f"{test['verdict']}, p = {format_share(test['p_holm'])}" in line
        assert f"Peak memory: {best['peak_gpu_bytes'] / 1e9:.2f} GB (GPU)" in line
        assert "J per 1,000 questions" in line and "tokens/s: " in line


def test_equal_cells_are_said_to_be_equal():
    """Of two cells with the same value the first of the config is named first, the other equal."""
    pairs = pl.DataFrame(schema=dict.fromkeys(PAIR_COLUMNS, pl.String))
    rows = [row(place) | {"dataset": "d"} for place in (1, 2)]
    line = headline(Bare, rows, pairs, []).splitlines()[0]
    assert "by `m1` with `o`. Equal: 0.500, by `m2` with `o`; the two were not tested." in line


def test_the_note_counts_what_tests_show(made):
    """The last lines count cells, caveats and the tests that show a difference."""
    experiment, found = made
    pairs = pl.read_parquet(experiment.output.pairs_parquet)
    own = pairs.filter(pl.col("family").is_in(FAMILIES))
    shown = own.filter(pl.col("verdict") != "no difference shown").height
    assert "All 30 cells are scored." in note(found)
    assert f"that show a difference: {shown} of {own.height}." in note(found)
    assert re.search(r"Caveats in the report: [1-9]\d*; alerts of jobs: 0\.", note(found))


def test_the_comparison_is_small_and_rounded(made):
    """Each cell has a row of at most nine short values."""
    rows = tables(made[1])["comparison"]
    assert len(rows) == 30 and len(rows[0]) <= 9
    assert all(len(str(value)) <= 24 for row in rows for value in row.values())
    assert {row["peak GB"] for row in rows if row["model"] == "tiny"} == {"3.00 (GPU)"}


def test_the_tests_are_the_most_certain(made):
    """Fifty tests have the smallest corrected p values, and the last row counts the others."""
    experiment, found = made
    *rows, rest = tables(found)["pairs"]
    assert len(rows) == MAX_TESTS and len(rows[0]) == 8
    own = pl.read_parquet(experiment.output.pairs_parquet).filter(pl.col("family").is_in(FAMILIES))
    assert next(iter(rest.values())) == f"{own.height - MAX_TESTS} more in pairs.csv"
    limit = own["p_holm"].sort()[MAX_TESTS - 1]
    certain = own.filter(pl.col("p_holm") < limit, pl.col("verdict") != "no difference shown")
    verdicts = [row["verdict"] for row in rows]
    assert sum(text != "no difference shown" for text in verdicts) >= certain.height


def test_each_plot_has_its_picture_and_its_figure(made):
    """A plot names the file of its picture, and has the same plot as a figure."""
    experiment, found = made
    plots = {event["name"]: event for event in found if event["kind"] == "plot"}
    files = {path.stem: str(path) for path in experiment.output.figures.glob("*.svg")}
    assert {name: event["path"] for name, event in plots.items()} == files
    for event in plots.values():
        assert event["figure"]["data"] and event["figure"]["layout"]["title"]["text"]
    bars = plots["token_recall-facts"]["figure"]["data"]
    assert [trace["name"] for trace in bars] == list(MODES)
    assert all(trace["y"] == list(MODELS) for trace in bars)


def test_outside_a_job_nothing_is_told(tmp_path):
    """Without a job's log a report is only written."""
    experiment = MadeUp(tmp_path, ("tiny",), questions=5)
    report_comparison.main(experiment.input, experiment.output, experiment.params)
    assert not list(tmp_path.rglob("*.jsonl"))


def test_what_is_not_known_is_said_to_be_unknown(tmp_path):
    """A cell without scores has its reason, a cost that was not measured is unknown, never 0."""
    experiment = MadeUp(tmp_path, ("tiny",), questions=6)
    for mode in ("no_context", "retriever_context"):
        path = experiment.path("timings", "tiny", "facts", mode)
        pl.read_parquet(path).write_parquet(path, metadata={"engines": "[]"})
    experiment.path("scores", "tiny", "facts", "no_context").unlink()
    found = told(experiment)
    text, (lost, _, row) = note(found), tables(found)["comparison"]
    assert lost["Token recall"] == "not scored: its score file is absent"
    assert lost["n"] == lost["tokens/s"] == "\u2013"
    assert row["peak GB"] == UNKNOWN
    assert "Peak memory: unknown;" in text and "cost and energy: unknown." in text
    assert "1 of 3 cells have no scores; tiny/facts/no_context: not scored" in text


def test_no_scores_at_all_are_told(tmp_path):
    """Where no cell is scored, the note says so, and there is no table of tests."""
    experiment = MadeUp(tmp_path, ("tiny",), questions=3)
    for mode in ("no_context", "oracle_context", "retriever_context"):
        experiment.path("scores", "tiny", "facts", mode).unlink()
    found = told(experiment)
    assert "**facts**: no cell has scores." in note(found)
    assert "3 of 3 cells have no scores" in note(found) and "pairs" not in tables(found)


class Bare:
    """As much of an experiment as tables and note ask for."""

    primary = METRICS["primary"]


def row(place, **values):
    """Return a row of the comparison."""
    names = ("peak_gpu_bytes", "peak_cpu_bytes", "tokens_per_second", "energy_per_1000", "cost")
    empty = dict.fromkeys((*names, "standing", "cost_currency", "context"))
    found = {"model": f"m{place}", "dataset": f"d{place}", "mode": "o", "status": "scored", "n": 9}
    means = {"token_recall": 0.5, "token_recall_low": None, "token_recall_high": None}
    return empty | found | means | values


def test_many_cells_and_data_sets_are_counted():
    """What is beyond the bounds of table and note is a number."""
    rows = [row(place) for place in range(MAX_CELLS + 7)]
    *kept, rest = comparison_rows(Bare, rows)
    assert len(kept) == MAX_CELLS and rest["model"] == "7 more in comparison.csv"
    pairs = pl.DataFrame(schema=dict.fromkeys(PAIR_COLUMNS, pl.String))
    lines = headline(Bare, rows, pairs, []).splitlines()
    assert f"- {len(rows) - MAX_DATASETS} more data sets are in the report." in lines
    assert lines[0] == (
        "- **d0**: best token recall (oracle excluded) is **0.500**, n = 9, by `m0` with `o`. "
        "Peak memory: unknown; tokens/s: unknown; cost and energy: unknown."
    )


PAIR_COLUMNS = (
    *("dataset", "family", "first_model", "first_mode", "second_model", "second_mode"),
    *("n", "effect", "effect_low", "effect_high", "p", "p_holm", "verdict"),
)


@given(st.one_of(st.none(), st.integers(1, 10**12)), st.one_of(st.none(), st.integers(1, 10**12)))
def test_peak_memory_says_of_what(gpu, cpu):
    """The GPU's peak counts where it was measured, else the CPU's; the text says which."""
    text = peak_text({"peak_gpu_bytes": gpu, "peak_cpu_bytes": cpu})
    if gpu is None and cpu is None:
        assert text == UNKNOWN
    else:
        assert text == f"{(gpu or cpu) / 1e9:.2f} ({'GPU' if gpu else 'CPU'})"


def test_money_has_its_currency():
    """A cell with a price has a column of its cost; others there are unknown."""
    priced, free = comparison_rows(Bare, [row(1, cost=0.5, cost_currency="USD"), row(2)])
    assert (priced["cost"], free["cost"]) == ("0.500 USD", UNKNOWN)
