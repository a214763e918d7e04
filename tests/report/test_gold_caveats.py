"""What the report says of gold passages that a corpus does not have as such."""

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import report_comparison
import verify_report
from slmrag.errors import UserError
from slmrag.files import write_json, write_table
from slmrag.report.sections.source_caveats import gold_sentences
from slmrag.retrieval.hits import Hits
from slmrag.retrieval.metrics import summarize
from slmrag.retrieval.relevance import annotate
from slmrag.scoring.bootstrap import intervals_95

from tests.report.made_up import MadeUp
from tests.report.test_report import Page

ABSENT = "no gold passage is in the corpus, by id or by text"


@pytest.fixture
def made(tmp_path):
    """A small experiment."""
    return MadeUp(tmp_path, models=("tiny",), questions=12)


def searched(made, text="{}", ids="c{}", hits=12):
    """Write a corpus whose passage n is question n's hit, and metrics; return verify's input."""
    gold = [made.passage(n, True) for n in range(12)]
    rows = [
        {"id": ids.format(n), "title": "", "text": text.format(one["text"])}
        for n, one in enumerate(gold)
    ]
    corpus, folder = made.folder / "passages.parquet", made.results / "retrieval/facts"
    write_table(pl.DataFrame(rows), corpus)
    questions = pl.read_parquet(made.input.questions[0])
    found = Hits.of(([n], np.ones(1)) for n in range(hits))
    table, relevance = annotate(found, questions, corpus)
    write_table(table, folder / "bm25.parquet")
    write_json(summarize(relevance, 5, intervals_95) | {"passages": 12}, folder / "bm25.json")
    return {"hits": [folder / "bm25.parquet"], "searched": [corpus]}


def report(made):
    """Write the report; return its page."""
    report_comparison.main(made.input, made.output, made.params)
    return Page(made.output.html.read_text()), made.output.html.read_text()


def verify(made, files):
    """Verify the report with its retrieval metrics."""
    input = SimpleNamespace(**vars(made.input), **files, html=made.output.html, expected=[])
    return verify_report.main(input, SimpleNamespace(), made.params)


def test_gold_of_other_ids_is_found_by_its_text(made):
    """The gold metrics are numbers, and the page says that the texts were compared."""
    searched(made)
    page, html = report(made)
    row = page.rows("retrieval")[0]
    assert row["gold_recall@1"][1].split()[0] == row["mrr"][1].split()[0] == "1.000"
    assert page.rows("gold")[0]["gold_by_text"][0] == "12"
    assert ABSENT not in html
    assert "A hit is gold if it has the id of one" in html


def test_metrics_that_cannot_be_known_are_dashes_with_a_caveat(made):
    """No zero stands where no gold is in the corpus, and what holds it is told apart."""
    searched(made, text="So: {} Indeed.")
    page, html = report(made)
    row = page.rows("retrieval")[0]
    assert [row[name] for name in ("gold_recall@1", "mrr", "ndcg@5")] == [["", "\u2013"]] * 3
    assert page.rows("gold")[0]["gold_in_chunk@1"][1].split()[0] == "1.000"
    assert f"facts, bm25: gold recall, MRR and nDCG are not known: {ABSENT}." in html


def test_what_else_is_told_of_gold():
    """Questions left out, and ids that another text has, are counted in a sentence each."""
    found = {"with_gold": 9, "gold_scored": 7, "gold_passages": 12, "gold_other_text": 3}
    said = list(gold_sentences(found))
    assert "over 7 of 9 questions; the others have no gold passage" in said[0]
    other = "3 of 12 gold passages have the id of another text in the corpus; the id counts."
    assert other in said[1]
    assert list(gold_sentences(found | {"gold_scored": 9, "gold_other_text": 0})) == []
    (few,) = gold_sentences({"questions": 12, "with_gold": 9, "gold_scored": 9})
    assert few == "3 of 12 questions have no gold passage; the gold metrics leave them out."
    assert list(gold_sentences({"questions": 12, "with_gold": 0})) == []
    assert list(gold_sentences({"metrics": {"has_answer@5": {"mean": 1}}})) == []


@pytest.mark.parametrize("text", ["{}", "So: {} Indeed."])
def test_verify_measures_the_hits_again(made, text):
    """Metrics that are numbers and metrics that are null are recomputed from hits and corpus."""
    files = searched(made, text)
    report(made)
    assert verify(made, files)["retrieval metrics"] >= 7


def test_a_tampered_retrieval_metric_is_named(made):
    """A recall that the hits do not give is named with its file."""
    files = searched(made, hits=6)
    path = files["hits"][0].with_suffix(".json")
    metrics = json.loads(path.read_text())
    metrics["metrics"]["gold_recall@1"]["mean"] = 0.75
    write_json(metrics, path)
    report(made)
    with pytest.raises(UserError, match=r"bm25\.json: metrics: gold_recall@1: mean is 0\.75"):
        verify(made, files)
