"""A report of prompts that an endpoint refused, of what it charges and of what answered."""

import base64
import csv
import gzip
import json
import re
from types import SimpleNamespace

import polars as pl
import pytest
import report_comparison
import verify_report
from slmrag.files import read_json, read_metadata, write_table
from slmrag.report.page.labels import FAILURE_LABELS
from slmrag.report.sections.source_caveats import endpoint_caveats

from tests.report.made_up import MODES, MadeUp
from tests.report.test_compare import compare
from tests.report.test_report import Page

CELL = ("remote", "facts", "oracle_context")
PRICE = {"input_per_million": 2.0, "output_per_million": 10.0, "currency": "EUR"}
WORDS = "400: the <b>content</b> filter"
RUN = {"device": "endpoint", "served_models": ["m-2026"], "system_fingerprints": ["fp_1"]}


def refuse(made, cell, count):
    """Let the endpoint have refused the first ``count`` prompts of a cell, and score again."""
    path = made.path("answers", *cell)
    rows, first = pl.read_parquet(path), pl.int_range(pl.len()) < count
    empty = dict.fromkeys(("raw_answer", "answer"), "") | {"finish_reason": "refused"}
    empty |= dict.fromkeys(("prompt_tokens", "generated_tokens"))
    changes = [pl.when(first).then(pl.lit(v)).otherwise(n).alias(n) for n, v in empty.items()]
    told = pl.when(first).then(pl.lit(WORDS)).alias("refusal")
    rows.with_columns(changes).cast(rows.schema).with_columns(told).write_parquet(path)
    made.score(*cell)


def relabel(made, model, **facts):
    """Give the records of a model's engine runs other facts."""
    for mode in MODES:
        path = made.path("timings", model, "facts", mode)
        (record,) = json.loads(read_metadata(path)["engines"])
        write_table(pl.read_parquet(path), path, {"engines": json.dumps([record | facts])})


def experiment(folder, count=10, **facts):
    """Return an experiment of a model at an endpoint and one here, and the params of its report."""
    made = MadeUp(folder, models=("remote", "tiny"), questions=20)
    relabel(made, "remote", **{**RUN, **facts})
    if count:
        refuse(made, CELL, count)
    params = made.params
    params.models["remote"]["served_name"] = params.redacted_config["models"]["remote"][
        "served_name"
    ] = "m"
    params.prices = {"remote": PRICE}
    return made, params


def report(made, params):
    """Write the report; return its page, the rows of its CSV by cell, and its analysis."""
    report_comparison.main(made.input, made.output, params)
    with open(made.output.csv, newline="") as file:
        rows = {(r["model"], r["dataset"], r["mode"]): r for r in csv.DictReader(file)}
    return made.output.html.read_text(), rows, read_json(made.output.analysis)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The report of a cell of which half was refused."""
    found, params = experiment(tmp_path_factory.mktemp("refused"))
    return found, params, *report(found, params)


def test_the_mean_is_told_with_and_without(made):
    """The refused count as 0; the column beside has the mean over the others."""
    experiment, _, _, rows, _ = made
    scores = pl.read_parquet(experiment.path("scores", *CELL))
    others = scores.filter(pl.col("finish_reason") != "refused")["token_recall"]
    row = rows[CELL]
    assert row["refused"] == "10" and others.len() == 10
    assert float(row["token_recall_answered"]) == pytest.approx(others.mean())
    assert float(row["token_recall"]) == pytest.approx(others.mean() / 2)
    whole = rows["tiny", "facts", "oracle_context"]
    assert whole["refused"] == "0" and whole["token_recall_answered"] == whole["token_recall"]


def test_a_refused_one_fails_by_its_own_name(made):
    """The class is refused, not empty, and the cell's counts keep the two apart."""
    experiment, *_ = made
    scores = pl.read_parquet(experiment.path("scores", *CELL))
    assert scores["failure"].to_list()[:10] == ["refused"] * 10
    summary = read_json(experiment.path("scores", *CELL, end="json"))
    assert summary["failures"]["refused"] == summary["refused"] == 10
    assert summary["empty"] == summary["failures"].get("empty", 0) < 10


def test_no_metric_rewards_a_refusal(tmp_path):
    """A reference of which normalization leaves nothing is no match for a refused prompt."""
    experiment = MadeUp(tmp_path, models=("remote",), questions=4)
    path = experiment.folder / "resources/datasets/facts/questions.parquet"
    pl.read_parquet(path).with_columns(answers=pl.lit(["the"])).write_parquet(path)
    refuse(experiment, CELL, 2)
    scores = pl.read_parquet(experiment.path("scores", *CELL)).select(pl.selectors.float())
    assert scores.head(2).sum().sum_horizontal().item() == 0 and scores.width > 7
    refuse(experiment, CELL, 4)
    summary = read_json(experiment.path("scores", *CELL, end="json"))
    assert summary["answered"] == {"mean": None, "low": None, "high": None}


def test_the_page_shows_what_was_refused(made):
    """A caveat has counts and both means; the tables have the columns and the server's words."""
    _, _, html, rows, analysis = made
    means = [f"{float(rows[CELL][n]):.3f}" for n in ("token_recall_answered", "token_recall")]
    assert (
        "1 of 6 cells have prompts that the endpoint refused; most in remote/facts/oracle_context: "
        "10 of 20"
    ) in html
    without = f"Without them, that cell&#39;s token recall is {means[0]} instead of {means[1]}."
    assert without in html
    page = Page(html)
    shown = {tuple(row[n][1] for n in ("model", "mode")): row for row in page.rows("cells")}
    assert shown["remote", "oracle_context"]["refused"][1] == "10"
    examples = [r for r in analysis["failure-examples"] if r["failure"] == "Refused by endpoint"]
    assert examples[0]["wrote"] == f"Refused by the endpoint: {WORDS}."
    data = re.search(r'id="browser-data"[^>]*>\s*([^<\s]+)', html)[1]
    browser = json.loads(gzip.decompress(base64.b64decode(data)))
    cells = browser["datasets"]["facts"][0]["cells"]
    places = {tuple(cell): at for at, cell in enumerate(browser["cells"]["facts"])}
    refused = cells[places["remote", "oracle_context"]]
    assert refused[8:] == ["refused", None, 0, f"Refused by the endpoint: {WORDS}."]
    assert all(len(cell) == 11 for cell in cells if cell is not refused)


def test_a_report_without_refusals_says_nothing_of_them(tmp_path):
    """Neither caveat nor column on the page; the CSV has 0."""
    html, rows, _ = report(*experiment(tmp_path, count=0))
    assert "refused" not in html.partition("<script")[0].lower()
    assert {row["refused"] for row in rows.values()} == {"0"}


def test_verify_agrees(made):
    """All numbers of cells with refused prompts are found again."""
    experiment, params, *_ = made
    input = SimpleNamespace(**vars(experiment.input), html=experiment.output.html)
    assert verify_report.main(input, SimpleNamespace(), params)["cells"] == 6


def test_answers_of_before_are_readable(tmp_path):
    """A table without the column of refusals, and a summary without its counts, make a report."""
    made, params = experiment(tmp_path, count=0)
    path = made.path("scores", *CELL, end="json")
    summary = read_json(path)
    del summary["refused"], summary["answered"]
    path.write_text(json.dumps(summary))
    assert "refusal" not in pl.read_parquet(made.path("answers", *CELL)).columns
    _, rows, _ = report(made, params)
    assert rows[CELL]["refused"] == rows[CELL]["token_recall_answered"] == ""


def test_costs_are_of_the_answers_at_the_endpoint(made):
    """Tokens by the price, its currency beside; null for a local model, with no remark."""
    _, _, html, rows, _ = made
    cost = (10 * 120 * 2.0 + 10 * 4 * 10.0) / 1e6
    assert float(rows[CELL]["cost"]) == pytest.approx(cost) and rows[CELL]["cost_currency"] == "EUR"
    assert "does not include the 10 refused prompts" in rows[CELL]["cost_remark"]
    local = rows["tiny", "facts", "oracle_context"]
    assert local["cost"] == local["cost_currency"] == local["cost_remark"] == ""
    shown = {tuple(row[n][1] for n in ("model", "mode")): row for row in Page(html).rows("costs")}
    assert shown["remote", "oracle_context"]["cost"][1] == "0.00280 EUR"
    assert "times the price in the config" in html


@pytest.mark.parametrize(
    ("price", "counted", "remark"),
    [
        (None, True, "no price is set for the endpoint"),
        (PRICE, False, "did not count the tokens of 3 of 20 answers"),
    ],
)
def test_an_unknown_cost_is_null_with_its_reason(tmp_path, price, counted, remark):
    """Without a price, or where tokens were not counted, there is no number but a remark."""
    made, params = experiment(tmp_path, count=0)
    params.prices = {"remote": price} if price else {}
    if not counted:
        path = made.path("answers", *CELL)
        unknown = pl.when(pl.int_range(pl.len()) > 2).then("generated_tokens")
        pl.read_parquet(path).with_columns(generated_tokens=unknown).write_parquet(path)
    _, rows, _ = report(made, params)
    assert rows[CELL]["cost"] == "" and remark in rows[CELL]["cost_remark"]
    assert (rows[CELL]["tokens_per_second"] == "") is not counted


def test_what_answered_stands_among_the_versions(made):
    """The id and fingerprint of the endpoint are rows of the provenance; another id is told."""
    _, _, html, _, analysis = made
    told = [r for r in analysis["versions"] if r["name"] == "remote" and "endpoint" in r["what"]]
    assert [(row["what"], row["value"]) for row in told] == [
        ("endpoint's model id", "m-2026"),
        ("endpoint's fingerprint", "fp_1"),
    ]
    assert "remote: requested as m, but the endpoint says that m-2026 answered." in html


def test_several_models_behind_one_name_are_a_caveat():
    """More than one id or fingerprint is told with all of them; one that is the name is not."""

    def said(ids, prints):
        runs = [{"served_models": ids, "system_fingerprints": prints}, {}]
        cell = SimpleNamespace(model="a", engines=runs)
        entries = {"a": {"served_name": "m"}, "b": {}}
        return list(endpoint_caveats(SimpleNamespace(models=entries, scored=[cell])))

    assert said(["m"], ["fp_1"]) == said([], []) == []
    first, second = said(["m", "m-2"], ["fp_1", "fp_2"])
    assert "more than one model of the endpoint answered: m, m-2." in first
    assert "carry 2 fingerprints" in second and "fp_1, fp_2" in second


def test_what_an_endpoint_drew_by_is_a_caveat_where_nothing_set_it():
    """Keys that any run behind the answers left to the server are named once."""
    runs = [{"sampling_unknown": ["top_k"]}, {"sampling_unknown": ["min_p", "top_k"]}, {}]
    told = SimpleNamespace(
        models={"a": {"served_name": "m"}}, scored=[SimpleNamespace(model="a", engines=runs)]
    )
    (sentence,) = endpoint_caveats(told)
    assert sentence.startswith("a: min_p, top_k not set in the config, so the endpoint used")


def test_a_change_between_experiments_is_told(tmp_path):
    """compare names the id of before and of now."""
    (tmp_path / "results").mkdir()
    for name, served in (("before", "m-2026"), ("now", "m-2027")):
        made, params = experiment(tmp_path / name, count=0, served_models=[served])
        report(made, params)
        made.results.rename(tmp_path / "results" / name)
    said = compare(tmp_path, *(tmp_path / "results" / name for name in ("now", "before")))
    assert "| endpoint's model id remote | m-2026 | m-2027 |" in said


def test_labels_tell_a_refusal_from_a_refused_prompt():
    """The model that says no and the endpoint that says nothing have names of their own."""
    assert FAILURE_LABELS["refusal"] == "Refusal"
    assert FAILURE_LABELS["refused"] == "Refused by endpoint"
