"""The report of a made-up experiment, read back from its files."""

import csv
import re
import shutil
from html.parser import HTMLParser

import polars as pl
import pytest
import report_comparison
from slmrag.reporting.formats import show
from slmrag.reporting.headline import LABELS

from tests.report.made_up import SCRIPT, MadeUp


class Page(HTMLParser):
    """Collects tables as {id: [{column: (value, text)}]}, and all tags with their attributes."""

    def __init__(self, html):
        """Read a page."""
        super().__init__()
        self.tables, self.tags, self._cell = {}, [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Open a table, a row or a cell."""
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag == "table":
            self._rows = self.tables.setdefault(attrs["data-id"], [])
        elif tag == "tr":
            self._rows.append({})
        elif tag == "td":
            self._cell = attrs["data-c"]
            self._rows[-1][self._cell] = [attrs.get("data-v"), ""]

    def handle_endtag(self, tag):
        """Close a cell."""
        self._cell = None if tag == "td" else self._cell

    def handle_data(self, data):
        """Take the text of a cell."""
        if self._cell:
            self._rows[-1][self._cell][1] += data

    def rows(self, table):
        """Return the body of a table."""
        return [row for row in self.tables[table] if row]


def make(folder, **shape):
    """Return a made-up experiment."""
    return MadeUp(folder, **shape)


def report(experiment):
    """Write the report; return its page and the rows of its CSV."""
    report_comparison.main(experiment.input, experiment.output, experiment.params)
    html = experiment.output.html.read_text()
    with open(experiment.output.csv, newline="") as file:
        return Page(html), list(csv.DictReader(file)), html


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The report of two models, two data sets and three modes."""
    return report(make(tmp_path_factory.mktemp("made"), datasets=("facts", "more")))


def test_every_number_of_the_table_equals_the_csv(made):
    """Each cell of the page's table holds the CSV's value, and shows it rounded."""
    page, rows, _ = made
    shown = page.rows("cells")
    assert len(shown) == len(rows) == 12
    for own, row in zip(shown, rows, strict=True):
        for name in LABELS:
            value, text = own[name]
            assert float(value) == float(row[name])
            assert text.split()[0] == show(float(row[name]), "share")
        low, high = (show(float(row[f"token_recall_{end}"]), "share") for end in ("low", "high"))
        assert own["token_recall"][1].split()[1] == f"{low}\u2013{high}"


def test_the_parquet_equals_the_csv(tmp_path):
    """Both tables of the comparison hold the same values."""
    experiment = make(tmp_path, questions=10)
    report(experiment)
    table = pl.read_parquet(experiment.output.parquet)
    assert table.equals(pl.read_csv(experiment.output.csv, schema=table.schema))


def test_the_page_reaches_nothing_outside_itself(made):
    """No tag loads anything: no source, no stylesheet, no address but places of the page."""
    page, _, html = made
    for tag, attrs in page.tags:
        assert "src" not in attrs and "srcset" not in attrs, tag
        assert attrs.get("href", "#").startswith(("#", "data:")), attrs
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", html)


def test_what_a_model_says_is_text(made):
    """An answer of HTML and script stands nowhere in the page as markup."""
    assert SCRIPT not in made[2]


def test_equal_inputs_give_equal_pages(tmp_path):
    """The report is a function of its inputs."""
    experiment = make(tmp_path, questions=8)
    assert report(experiment)[2] == report(experiment)[2]


def test_a_cell_without_files_is_a_row_that_says_so(tmp_path):
    """A cell whose scores are absent stands in the table without numbers, with the reason."""
    experiment = make(tmp_path, questions=8)
    experiment.path("scores", "tiny", "facts", "no_context").unlink()
    page, rows, _ = report(experiment)
    assert "absent" in rows[0]["status"] and rows[0]["token_recall"] == ""
    assert page.rows("cells")[0]["token_recall"][1].strip() == "\u2013"


@pytest.mark.parametrize("questions", [0, 1])
def test_hardly_any_questions_still_make_a_page(tmp_path, questions):
    """No question and one question give a page, without intervals."""
    page, rows, _ = report(make(tmp_path, questions=questions))
    assert len(page.rows("cells")) == 6
    assert all(row["token_recall_low"] == "" for row in rows)


def test_one_model_and_one_mode_make_a_page(tmp_path):
    """The smallest comparison is a page too."""
    experiment = make(tmp_path, models=("tiny",), questions=5)
    experiment.__class__ = type("One", (MadeUp,), {"cells": [("tiny", "facts", "no_context")]})
    assert len(report(experiment)[1]) == 1


def rewrite(path, change):
    """Change a table in place."""
    change(pl.read_parquet(path)).write_parquet(path)


def test_a_score_that_is_no_number_is_left_out_and_said(tmp_path):
    """A NaN leaves its question out of the tests, and the page says how many are compared."""
    experiment = make(tmp_path, questions=20)
    path = experiment.path("scores", "tiny", "facts", "no_context")
    bad = pl.when(pl.col("question_id") == "q3").then(float("nan")).otherwise("token_recall")
    rewrite(path, lambda rows: rows.with_columns(token_recall=bad))
    html = report(experiment)[2]
    assert "the tests compare the 19 questions that all have" in html


def test_questions_that_differ_are_paired_where_they_agree(tmp_path):
    """Tests between cells of different questions are over those that both have."""
    experiment = make(tmp_path, questions=20)
    path = experiment.path("scores", "tiny", "facts", "no_context")
    rewrite(path, lambda rows: rows.tail(15).reverse())
    report(experiment)
    assert {row["n"] for row in pl.read_csv(experiment.output.pairs).to_dicts()} == {15}


def test_cells_without_a_common_question_have_no_tests(tmp_path):
    """Where no question is answered by all, the page has means and no tests."""
    experiment = make(tmp_path, questions=10)
    path = experiment.path("scores", "tiny", "facts", "no_context")
    rewrite(path, lambda rows: rows.with_columns(question_id="other" + pl.col("question_id")))
    report(experiment)
    assert pl.read_csv(experiment.output.pairs).is_empty()


def test_a_megabyte_of_answer_does_not_swell_the_page(tmp_path):
    """A long answer is cut in the browser, and the page says by how much."""
    experiment = make(tmp_path, questions=5)
    path = experiment.path("answers", "tiny", "facts", "no_context")
    long = pl.lit("".join(map(chr, range(97, 123))) * 40_000)
    rewrite(path, lambda rows: rows.with_columns(answer=long, raw_answer=long))
    assert len(report(experiment)[2]) < 200_000


@pytest.mark.slow
def test_five_hundred_models_make_a_page(tmp_path):
    """Five hundred rows are tables and a plot; the tests beyond a thousand stand in pairs.csv."""
    names = [f"model_{place:03}" for place in range(500)]
    experiment = make(tmp_path, models=("tiny",), questions=5)
    for kind in ("scores", "answers", "timings"):
        for name in names:
            shutil.copytree(experiment.results / kind / "tiny", experiment.results / kind / name)
    experiment.models = names
    cells = [(name, "facts", "no_context") for name in names]
    experiment.__class__ = type("Many", (MadeUp,), {"cells": cells})
    page, rows, _ = report(experiment)
    assert len(rows) == len(page.rows("cells")) == 500
    assert len(page.rows("tests-models")) == 1000
    assert pl.read_csv(experiment.output.pairs).height == 500 * 499 // 2


def test_the_paper_tables_name_the_best(made, tmp_path):
    """Markdown has the best in bold; LaTeX escapes names and closes what it opens."""
    experiment = make(tmp_path, models=("big_one", "small_one"), questions=30)
    report(experiment)
    assert "**" in experiment.output.markdown.read_text()
    tex = experiment.output.latex.read_text()
    assert r"big\_one" in tex and r"\textbf{" in tex
    assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}") == 1
