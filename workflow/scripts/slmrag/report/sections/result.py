"""The first thing read: how much each model recalls in each mode."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.formats import missing, show
from slmrag.report.page.plots import Point, dot_plot
from slmrag.report.page.sections import Figure, Section
from slmrag.report.page.tables import DATASET, MODE, MODEL, Column, Rows, Table, table
from slmrag.report.sections import templates
from slmrag.scoring import metric_variants

LABELS = {
    "token_recall": "Token recall",
    "precision": "Precision",
    "f1": "F1",
    "exact_match": "Exact match",
    "match": "Match",
    "token_match": "Token match",
    "raw_token_recall": "Recall, untrimmed",
}
HELP = {
    "token_recall": "Share of the reference's tokens that the answer holds; best reference",
    "match": "The normalised reference is a substring of the answer",
    "token_match": "The reference's tokens stand in the answer, in order and whole",
    "raw_token_recall": "Token recall of all that the model wrote, before trimming",
}
CUTS = (
    ("unfinished", "Unfinished", "Completions whose reasoning never ended: they have no answer"),
    ("shortened", "Prompts cut", "Prompts that lost passages or words to fit the model"),
    ("questions_shortened", "Questions cut", "Prompts that lost words of the question itself"),
)
REFUSED = (
    ("refused", "Refused", "count", "Prompts that the endpoint did not answer; each scores 0"),
    ("{}_answered", "Without refused", "share", "The first metric over the other questions"),
)
GRADES = ("correct", "incorrect", "not_attempted", "unparseable")


def section(experiment: Experiment, rows: Rows, tables: Sequence[Table]) -> Section:
    """Return the plots of the primary metric, and each data set's table."""
    figures = [figure(experiment, rows, name) for name in names(rows, "dataset")]
    confidence = f"{100 * experiment.metrics['confidence']:g} %"
    words = [
        f"{LABELS[experiment.primary]}, mean over questions, with {confidence} intervals (BCa "
        "bootstrap).",
    ]
    if any(row["standing"] for row in rows):
        words[0] += (
            " In each mode the best model is marked, and so is each that is not shown to be worse "
            "than it (paired test, Holm's correction)."
        )
    return Section("result", "Result", words, figures, tables)


def every(experiment: Experiment, rows: Rows) -> Section:
    """Return the table of all cells."""
    words = ["Click a heading to sort; all columns are in comparison.csv."]
    tables = [cells(experiment, rows), templates.modes_table(experiment), graded(experiment)]
    return Section("all", "All cells", words, tables=[found for found in tables if found.rows])


def graded(experiment: Experiment) -> Table:
    """Return what a judge made of the answers, where one was asked."""
    columns = [
        MODEL,
        DATASET,
        MODE,
        Column("share_correct", "Correct", "share", estimate=True),
        Column("accuracy_given_attempted", "Given attempted", "share"),
        Column("f1", "F1", "share", "Harmonic mean of correct and given attempted"),
        *(Column(name, name.replace("_", " ").capitalize(), "count") for name in GRADES),
        Column("judge", "Judge"),
    ]
    rows = [judged(grades) for grades in experiment.grades]
    caption = "Graded by a judge, as SimpleQA does; an unparseable verdict is not correct"
    return table("grades", caption, columns, rows, "dataset", "mode", "model")


def judged(grades: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row of grades."""
    ends = (("", "mean"), ("_low", "low"), ("_high", "high"))
    share = {f"share_correct{end}": grades["share_correct"][name] for end, name in ends}
    judge, recipe = grades["judge"], grades["judge"]["recipe"]
    name = f"{judge.get('name', 'unnamed')} by {recipe['engine']}"
    digest = f", checkpoint {recipe['checkpoint'][:12]}" if recipe.get("checkpoint") else ""
    return {**grades, **share, "judge": f"{name}{digest}, prompt {judge['prompt'][:12]}"}


def figure(experiment: Experiment, rows: Rows, dataset: str) -> Figure:
    """Return the plot of one data set: a row a model, a mark a mode."""
    metric, modes = experiment.primary, list(experiment.modes)
    own = [row for row in rows if row["dataset"] == dataset and not missing(row[metric])]
    lines = [
        (
            model,
            [point(row, metric, modes.index(row["mode"])) for row in own if row["model"] == model],
        )
        for model in names(own, "model")
    ]
    label = f"{LABELS[metric]} by mode and model on {dataset}"
    return Figure(f"{metric}-{dataset}", dot_plot(lines, modes, label, LABELS[metric]), label)


def point(row: Mapping[str, Any], metric: str, series: int) -> Point:
    """Return a cell's mark, with its numbers to be shown on hover."""
    value, low, high = (row[metric + end] for end in ("", "_low", "_high"))
    interval = "" if missing(low) else f" ({show(low, 'share')} to {show(high, 'share')})"
    tip = f"{row['model']}, {row['mode']}: {show(value, 'share')}{interval}, n = {row['n']}"
    return Point(series, value, low, high, tip)


def cells(experiment: Experiment, rows: Rows) -> Table:
    """Return the table of all cells, the primary metric first."""
    others = [name for name in LABELS if name != experiment.primary]
    metrics = [
        Column(name, LABELS[name], "share", HELP.get(name, ""), name == experiment.primary)
        for name in (experiment.primary, *others)
    ]
    columns = [
        MODEL,
        DATASET,
        MODE,
        Column("n", "Questions", "count"),
        metrics[0],
        Column("standing", "Standing", "text", "Against the best model in this data set and mode"),
        *metrics[1:],
        *(
            Column(name, name, "share")
            for name in metric_variants.variant_columns(experiment.metrics.get("variants") or ())
        ),
        Column("has_answer", "Context has answer", "share"),
        Column(
            "truncated", "At the limit", "count", "Completions that reached the limit of tokens"
        ),
        Column("cut", "Cut", "count", "Answers that the limit of tokens itself cut"),
        Column("empty", "Empty", "count"),
    ]
    for name, label, words in CUTS:
        if any(row[name] for row in rows):
            columns.append(Column(name, label, "count", words))
    if any(row["refused"] for row in rows):
        columns += [Column(name.format(experiment.primary), *rest) for name, *rest in REFUSED]
    if any(row["status"] != "scored" for row in rows):
        columns.append(Column("status", "Status"))
    found = table("cells", "All cells", columns, rows, "dataset", "mode", "model")
    return replace(found, source="comparison.csv", limit=len(rows))


def names(rows: Rows, column: str) -> list[str]:
    """Return the values of a column in the order of their first occurrence."""
    return list(dict.fromkeys(row[column] for row in rows))
