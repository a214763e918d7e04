"""Texts in scripts that a metric or a tokenizer does not know, in a report."""

import json
from types import SimpleNamespace

import polars as pl
import report_comparison
from slmrag.data.question_audit import audit_questions
from slmrag.files import read_json, read_metadata, write_json, write_table
from slmrag.report.sections.language_caveats import script_mismatch

from tests.report.made_up import MadeUp


def page(made, **more):
    """Write the report; return its page."""
    input = SimpleNamespace(**vars(made.input) | more)
    report_comparison.main(input, made.output, made.params)
    return made.output.html.read_text()


def asked(question, answer):
    """Return a question with one answer."""
    return {"question": question, "answers": [answer], "gold": []}


def audited(made, *rows):
    """Give the data set the audit of these questions."""
    write_json(audit_questions(rows), made.folder / "resources/datasets/facts/audit.json")


def test_references_that_the_metrics_misread_are_a_caveat(tmp_path):
    """Where the audit warns of references in Chinese, the report does, and names the metric."""
    made = MadeUp(tmp_path, models=("tiny",), questions=3)
    audited(made, asked("法国的首都？", "巴黎"), asked("日本的首都？", "东京"))
    html = page(made)
    assert "facts: 2 of 2 questions have only references that token_recall and its kin" in html
    assert "metrics.variants has unicode, which does not." in html


def test_english_is_told_of_nothing(tmp_path):
    """English references, and audits of an older version, give no such caveat."""
    made = MadeUp(tmp_path, models=("tiny",), questions=3)
    assert "misread" not in page(made)
    audited(made, asked("What is the capital of Peru?", "Lima"))
    html = page(made)
    assert "misread" not in html
    assert "no question has a hit" not in html


def test_a_search_without_a_hit_is_a_caveat(tmp_path):
    """A retriever that finds nothing for any question is named."""
    made = MadeUp(tmp_path, models=("tiny",), questions=3)
    path = made.results / "retrieval/facts/bm25.json"
    write_json(read_json(path) | {"without_hits": 3}, path)
    assert "bm25 on facts: no question has a hit." in page(made)


def test_terms_that_are_sentences_are_a_caveat(tmp_path):
    """An index by white space of a script without spaces is named, and what to do."""
    made = MadeUp(tmp_path, models=("tiny",), questions=3)
    index = tmp_path / "resources/indexes/wiki/bm25"
    unspaced = {"scripts": ["Han"], "terms": 7, "as": "what stands between white space"}
    facts = {"built": {"kind": "bm25s", "tokenizer": "whitespace"}, "files": {}}
    write_json(facts | {"unspaced": unspaced}, index / "index.json")
    assert "bm25 on wiki: 7 terms of Han are what stands between" in page(made, indexes=[index])


def test_questions_in_another_script_than_the_passages():
    """Latin questions over Han passages are told, and not where a third of the letters are."""

    def told(passages):
        audits = {
            ("datasets", "quiz"): {"scripts": {"questions": {"Latin": 0.98, "Han": 0.02}}},
            ("corpora", "wiki"): {"scripts": passages},
        }
        return list(script_mismatch(SimpleNamespace(audits=audits), "quiz", "wiki"))

    (sentence,) = told({"Han": 0.95, "Latin": 0.05})
    assert "quiz: the questions are Latin 98%, Han 2%, the passages of wiki Han 95%" in sentence
    assert not told({"Han": 0.65, "Latin": 0.35})
    assert not told({})


def test_a_language_that_the_answers_are_not_in(tmp_path):
    """A data set whose answers are of another script than its language has is told."""
    made = MadeUp(tmp_path, models=("tiny",), questions=3)
    audited(made, asked("Where?", "Lima"))
    params = made.params
    params.datasets["facts"]["language"] = "zh"
    report_comparison.main(made.input, made.output, params)
    html = made.output.html.read_text()
    assert "facts: language: zh is written in Han, but the answers are Latin 100%" in html
    assert json.loads(made.output.analysis.read_text())


def test_answers_with_punctuation_that_squad_keeps_are_a_caveat(tmp_path):
    """The worst cell of a data set is told, where over one answer in twenty has such a sign."""
    made = MadeUp(tmp_path, models=("tiny", "small"), questions=40)
    for model, odd in (("tiny", 3), ("small", 8)):
        path = made.path("answers", model, "facts", "no_context")
        table = pl.read_parquet(path)
        said = ["«Париж»" if n < odd else "Paris" for n in range(40)]
        made_up = table.with_columns(answer=pl.Series(said))
        write_table(made_up, path, read_metadata(path))
    html = page(made)
    assert "small/facts/no_context: 8 of 40 answers (20\u202f%) have punctuation" in html
    assert html.count("have punctuation beyond ASCII") == 1
