"""A report of prompts that were cut to fit says so wherever it speaks of a context."""

import csv
import json
from types import SimpleNamespace

import polars as pl
import pytest
import report_comparison
import verify_report
from slmrag.report.page.labels import shortening_remark

from tests.report.made_up import MadeUp
from tests.report.webdriver import CHROMIUM, DRIVER, browser

CELL = ("tiny", "facts", "oracle_context")


def cut(made, cell, count, **changes):
    """Say of the first ``count`` answers of a cell that their prompts were cut, and score again."""
    path = made.path("answers", *cell)
    first = pl.int_range(pl.len()) < count
    lits = [pl.when(first).then(pl.lit(v)).otherwise(n).alias(n) for n, v in changes.items()]
    rows = pl.read_parquet(path)
    rows.with_columns(lits).cast(rows.schema).write_parquet(path)
    made.score(*cell)


def report(made):
    """Write the report; return its page, the rows of its CSV and its analysis."""
    report_comparison.main(made.input, made.output, made.params)
    with open(made.output.csv, newline="") as file:
        rows = {(r["model"], r["dataset"], r["mode"]): r for r in csv.DictReader(file)}
    return made.output.html.read_text(), rows, json.loads(made.output.analysis.read_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A cell that lost its passage in 30 of 40 prompts, one that lost words of 2 questions."""
    made = MadeUp(tmp_path_factory.mktemp("cut"), models=("tiny",))
    cut(made, CELL, 30, passages=0, passages_dropped=1)
    cut(made, ("tiny", "facts", "no_context"), 2, words_cut=3)
    return made, *report(made)


def test_the_comparison_counts_what_was_cut(made):
    """The CSV has the mean number of passages, and the prompts and questions that were cut."""
    _, _, rows, _ = made
    names = ("passages_in_prompt", "shortened", "questions_shortened", "has_answer")
    shown = {cell[2]: [float(row[name] or "nan") for name in names] for cell, row in rows.items()}
    assert shown["oracle_context"] == [0.25, 30, 0, 0.25]
    assert shown["no_context"][:3] == [0, 2, 2]
    assert shown["retriever_context"][1:3] == [0, 0]
    assert float(rows[CELL]["has_answer_uncut"]) == 1.0


def test_a_caveat_names_the_worst_cell(made):
    """The caveats say which cell lost most, how many, what stood in its prompts and the cure."""
    html = made[1]
    assert "2 of 3 cells have prompts that lost passages or words to fit the model" in html
    assert "tiny/facts/oracle_context: 30 of 40 (75" in html
    assert "on average 0.250 of at most 1 passages are in a prompt" in html
    assert "lost words of the question itself; most in tiny/facts/no_context: 2 of 40" in html
    assert "max_model_len" in html


def test_tables_speak_of_what_stood_in_the_prompt(made):
    """Coverage, hits and ranks leave out what was dropped; both shares stand there."""
    analysis = made[3]
    coverage = {row["mode"]: row for row in analysis["coverage"]}
    assert coverage["oracle_context"]["shortened_share"] == 0.75
    assert coverage["oracle_context"]["has_answer_uncut"] == 1.0
    assert coverage["retriever_context"]["has_answer_uncut"] is None
    (uses,) = (row for row in analysis["contexts"] if row["mode"] == "oracle_context")
    assert uses["n_known_hit"] + uses["n_unknown_hit"] == 10
    (ranks,) = (row for row in analysis["ranks"] if row["mode"] == "oracle_context")
    assert (ranks["n_rank 1"], ranks["n_absent"]) == (10, 30)


def test_a_report_of_cut_prompts_is_verified(made):
    """Verify scores again what stood in the prompts."""
    experiment, *_ = made
    input = SimpleNamespace(**vars(experiment.input), html=experiment.output.html, expected=[])
    assert verify_report.main(input, SimpleNamespace(), experiment.params)["cells"] == 3


def test_a_question_shows_what_stood_in_its_prompts():
    """What was lost is said of each answer whose prompt was cut, and of no other."""
    whole = {"passages": 2, "passages_dropped": 0, "words_cut": 0, "has_answer": True}
    assert shortening_remark(whole) == shortening_remark({}) == ""
    assert shortening_remark(whole | {"passages": 1, "passages_dropped": 1, "words_cut": 5}) == (
        "1 of 2 passages fitted into the prompt. Words removed from the last passage: 5. "
        "What is left contains an answer."
    )
    lost = whole | {"passages": 0, "passages_dropped": 2, "words_cut": 1, "has_answer": False}
    remark = shortening_remark(lost)
    assert "0 of 2 passages" in remark and "from the question: 1." in remark
    assert shortening_remark(lost | {"has_answer": None}).endswith("from the question: 1.")


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed")
def test_a_browser_shows_what_was_lost(made):
    """The page says beside an answer's prompt which passages did not stand in it."""
    with browser() as window:
        window.open(made[0].output.html)
        window.wait("return document.querySelector('#browser select')")
        window.run("document.querySelectorAll('#browser details.answer')[1].open = true")
        window.wait("return document.querySelector('#browser details.answer p.note')")
        notes = "return [...document.querySelectorAll('#browser p.note')].map(p => p.innerText)"
        remark = "0 of 1 passages fitted into the prompt. What is left contains no answer."
        assert remark in window.run(notes)


def test_where_nothing_is_cut_nothing_is_said(tmp_path):
    """No caveat, and no column but the share of prompts cut, which is 0."""
    html, rows, analysis = report(MadeUp(tmp_path, models=("tiny",), questions=12))
    assert "to fit the model" not in html and "Before shortening" not in html
    assert {row["shortened"] for row in rows.values()} == {"0"}
    assert {row["shortened_share"] for row in analysis["coverage"]} == {0.0}


def test_every_prompt_of_a_cell_may_be_cut(tmp_path):
    """A cell all of whose prompts lost their context has no hit, no rank and no error."""
    made = MadeUp(tmp_path, models=("tiny",), questions=12)
    cut(made, CELL, 12, passages=0, passages_dropped=1)
    _, rows, analysis = report(made)
    assert rows[CELL]["has_answer"] == "0.0" and rows[CELL]["passages_in_prompt"] == "0.0"
    assert "oracle_context" not in {row["mode"] for row in analysis["ranks"]}


@pytest.mark.parametrize("key", ["cache_key", "recipe"])
def test_a_judge_whose_prompts_were_cut_is_named(tmp_path, key):
    """A judge that did not read the end of its instructions is a caveat.

    Older versions wrote its cache key as ``recipe``.
    """
    made = MadeUp(tmp_path, models=("tiny",), questions=12)
    share = {"mean": 1.0, "low": 0.9, "high": 1.0}
    judge = {"name": "j", key: {"engine": "echo 1"}, "prompt": "0" * 64}
    grades = dict(zip(("model", "dataset", "mode"), CELL, strict=True))
    grades |= {"n": 12, "share_correct": share, "judge": judge, "shortened": 5}
    (tmp_path / "grades.json").write_text(json.dumps(grades))
    input = SimpleNamespace(**vars(made.input), grades=[tmp_path / "grades.json"])
    report_comparison.main(input, made.output, made.params)
    text = "tiny/facts/oracle_context: 5 of the 12 prompts of the judge lost words"
    assert text in (page := made.output.html.read_text()) and "j by echo 1" in page
