"""The report of a made-up experiment, read back from its files."""

import csv
import json
import re
import shutil
from html.parser import HTMLParser
from types import SimpleNamespace

import polars as pl
import pytest
import report_comparison
from slmrag.report.page.formats import format_value
from slmrag.report.page.labels import FAILURE_LABELS, METRIC_LABELS

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
        for name in METRIC_LABELS:
            value, text = own[name]
            assert float(value) == float(row[name])
            assert text.split()[0] == format_value(float(row[name]), "share")
        low, high = (
            format_value(float(row[f"token_recall_{end}"]), "share") for end in ("low", "high")
        )
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


def test_right_answers_by_rank_say_of_how_many(tmp_path):
    """Each share by the gold passage's rank stands beside the number of questions behind it."""
    experiment = make(tmp_path)
    report(experiment)
    rows = json.loads(experiment.output.analysis.read_text())["ranks"]
    assert rows
    for row in rows:
        path = experiment.path("scores", row["model"], row["dataset"], row["mode"])
        own = pl.read_parquet(path).with_columns(pl.col("gold_rank").fill_null(0))
        for name, ranks in (("rank 1", [1]), ("ranks 3 to 5", [3, 4, 5]), ("absent", [0])):
            right = own.filter(pl.col("gold_rank").is_in(ranks))["token_match"]
            assert (row[f"n_{name}"] or 0) == len(right)
            assert row[name] == (pytest.approx(right.mean()) if len(right) else None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.31, "0.310"), (2.9, "2.90"), (12, "12.0"), (99.97, "100"), (1234, "1 234")],
)
def test_a_column_of_numbers_has_as_many_digits_in_each_row(value, text):
    """Three significant digits are shown even where the last are zeros."""
    assert format_value(value, "decimal").replace("\u202f", " ") == text


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
    assert "The tests compare the 19 questions that all cells have" in html


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


def test_a_cell_without_rows_says_so(tmp_path):
    """A cell whose answers are a table of no rows stands in the page with its reason."""
    experiment = make(tmp_path, questions=8)
    cell = ("tiny", "facts", "no_context")
    rewrite(experiment.path("scores", *cell), lambda rows: rows.clear())
    summary = experiment.path("scores", *cell, end="json")
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"n": 0}))
    page, rows, html = report(experiment)
    assert "no row" in rows[0]["status"] and "1 of 6 cells are missing" in html
    assert len(page.rows("cells")) == 6


def test_a_train_sets_overlap_is_a_slice(tmp_path):
    """The column `overlap` of the questions gives a table of means by overlap."""
    experiment = make(tmp_path, questions=9)
    kinds = pl.Series("overlap", ["question", "answer", "none"] * 3)
    rewrite(experiment.input.questions[0], lambda rows: rows.with_columns(kinds))
    page, _, html = report(experiment)
    assert "Mean by overlap with the train set" in html
    scores = pl.read_parquet(experiment.path("scores", "tiny", "facts", "oracle_context"))
    own = scores.filter(kinds == "answer")["token_recall"].mean()
    tables = [rows for name, rows in page.tables.items() if name.startswith("slices-")]
    row = next(r for rows in tables for r in rows if "answer:" in r and r["mode"][1][0] == "o")
    assert float(row["answer:"][0]) == pytest.approx(own)


def test_alerts_of_jobs_stand_in_the_page(tmp_path):
    """What a job warned of while it ran is a row of the caveats; a torn line is passed over."""
    experiment = make(tmp_path, questions=5)
    folder = experiment.results / "jobs/generate_answers/tiny"
    folder.mkdir(parents=True)
    event = {"time": 0, "kind": "alert", "name": "run_hours", "message": "run time is <b>9</b> h"}
    text = f'{{"kind": "scalar"}}\n{json.dumps(event)}\n{{"kind": "alert", "na'
    (folder / "events.jsonl").write_text(text)
    page, _, html = report(experiment)
    (row,) = page.rows("job-alerts")
    assert row["job"][1] == "generate_answers/tiny" and row["alert"][1] == "run_hours"
    assert row["message"][1] == "run time is <b>9</b> h" and "<b>9</b>" not in html
    assert row["time"][1] == "1970-01-01 00:00 UTC"


def test_each_failure_has_counts_and_examples(made):
    """The classes that occur have their counts, and up to three answers each to look at."""
    page, _, _ = made
    counts, shown = page.rows("failures"), page.rows("failure-examples")
    for name, label in FAILURE_LABELS.items():
        own = [row for row in shown if row["failure"][1] == label]
        assert bool(own) == any(int(row[name][0]) for row in counts if name in row)
        assert len([row for row in own if row["dataset"][1] == "facts"]) <= 3


def test_recall_stands_by_the_number_of_passages(made):
    """Without context there are 0 passages, with the retriever 2; both columns are the CSV's."""
    page, rows, _ = made
    means = {(r["model"], r["dataset"], r["mode"]): float(r["token_recall"]) for r in rows}
    for row in page.rows("passages"):
        cell = row["model"][1], row["dataset"][1]
        assert float(row["passages_0"][0]) == means[(*cell, "no_context")]
        assert float(row["passages_2"][0]) == means[(*cell, "retriever_context")]


def test_costs_of_a_run_come_from_the_engines_records(made):
    """Start, the run's tokens/s, memory and weights are the records'."""
    page, rows, _ = made
    row = next(row for row in page.rows("costs") if row["model"][1] == "small")
    assert float(row["start_seconds"][0]) == 3.0
    assert float(row["run_tokens_per_second"][0]) == 4 * 40 / 4.0
    assert {float(r["run_seconds_per_1000"]) for r in rows if r["model"] == "small"} == {100.0}
    assert float(row["peak_gpu_bytes"][0]) == 6e9
    assert row["parameters"][1] == "270 M"


def test_a_cell_has_a_cost_of_its_own(made):
    """Seconds, tokens/s and energy are of the cell's part of the run: a context costs more."""
    small = [row for row in made[1] if (row["model"], row["dataset"]) == ("small", "facts")]
    shown = {row["mode"]: row for row in small}
    seconds = {mode: float(row["seconds_per_1000"]) for mode, row in shown.items()}
    wanted = {"no_context": 20.0, "oracle_context": 80.0, "retriever_context": 60.0}
    assert seconds == pytest.approx(wanted)
    assert float(shown["oracle_context"]["tokens_per_second"]) == pytest.approx(4 / 0.08)
    energy = [float(row["energy_per_1000"]) for row in small]
    assert sum(energy) == pytest.approx(1000 * 100 / 40)
    assert energy[1] == pytest.approx(4 * energy[0])
    assert float(shown["oracle_context"]["prompt_tokens"]) == 120


def test_a_cost_that_is_not_known_is_no_number(tmp_path):
    """A cell with answers of an older journal has no cost of its own, and the table says why."""
    experiment = make(tmp_path, models=("tiny",), questions=5)
    path = experiment.path("timings", "tiny", "facts", "oracle_context")
    records = pl.read_parquet_metadata(path)["engines"]
    place = pl.int_range(pl.len()) > 1
    times = pl.read_parquet(path).with_columns(work_seconds=pl.when(place).then("work_seconds"))
    times.write_parquet(path, metadata={"engines": records})
    page, rows, html = report(experiment)
    (row,) = (row for row in rows if row["mode"] == "oracle_context")
    names = ("seconds_per_1000", "tokens_per_second", "energy_per_1000")
    assert [row[name] for name in names] == [""] * 3
    remark = "2 of 5 answers come from engine runs that recorded no service times"
    assert row["cost_remark"].startswith(remark)
    assert row["cost_remark"] in html and float(row["run_tokens_per_second"]) > 0
    others = [row for row in page.rows("costs") if row["mode"][1] != "oracle_context"]
    assert all(row["cost_remark"][1] == "\u2013" and row["seconds_per_1000"][0] for row in others)


def test_service_is_not_called_latency(made):
    """The time in a full batch is named for what it is, and the section says how time is shared."""
    _, rows, html = made
    assert float(rows[0]["service_seconds"]) == pytest.approx(0.05)
    assert "seconds" not in rows[0] and "not the latency of a single request" in html
    assert "Each moment of a run is divided among the answers in service" in html


def test_quality_is_drawn_against_each_cost(made):
    """There is a plot a data set for GPU and host memory, the cell's time and parameters."""
    figures = {attrs.get("id") for tag, attrs in made[0].tags if tag == "figure"}
    for cost in ("peak_gpu_bytes", "peak_cpu_bytes", "seconds_per_1000", "parameters"):
        assert f"figure-token_recall-{cost}-facts" in figures
    lines = [attrs for tag, attrs in made[0].tags if attrs.get("class", "").startswith("line s")]
    assert len(lines) == 2 * 3


def test_an_index_s_size_and_build_time_are_shown(tmp_path):
    """Bytes come from the index's own list, seconds from Snakemake's benchmark."""
    experiment = make(tmp_path, questions=5)
    folder = tmp_path / "resources/indexes/list/bm25"
    folder.mkdir(parents=True)
    about = {"built": {"kind": "rank_bm25"}, "files": {"a": 1_500_000, "b": 500_000}}
    (folder / "index.json").write_text(json.dumps(about))
    times = tmp_path / "benchmarks/index_passages/list/bm25.tsv"
    times.parent.mkdir(parents=True)
    times.write_text("s\th:m:s\n12.5\t0:00:12\n")
    input = vars(experiment.input) | {"indexes": [folder]}
    experiment.__class__ = type("Indexed", (MadeUp,), {"input": SimpleNamespace(**input)})
    (row,) = report(experiment)[0].rows("indexes")
    assert row["kind"][1] == "rank_bm25" and float(row["bytes"][0]) == 2e6
    assert float(row["seconds"][0]) == 12.5


def test_the_paper_tables_name_the_best(made, tmp_path):
    """Markdown has the best in bold; LaTeX escapes names and closes what it opens."""
    experiment = make(tmp_path, models=("big_one", "small_one"), questions=30)
    report(experiment)
    assert "**" in experiment.output.markdown.read_text()
    tex = experiment.output.latex.read_text()
    assert r"big\_one" in tex and r"\textbf{" in tex
    assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}") == 1
