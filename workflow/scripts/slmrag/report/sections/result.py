"""The sections on the result: how well each model does in each mode, and all cells."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slmrag.report.analysis.comparison import answered_column, best_cells, unique_values
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.provenance import mode_rows
from slmrag.report.page.formats import format_value, is_missing
from slmrag.report.page.labels import METRIC_HELP, METRIC_LABELS, metric_phrase
from slmrag.report.page.native_plots import dot_figure
from slmrag.report.page.plots import DotPoint, dot_plot
from slmrag.report.page.tables import (
    DATASET,
    MODE,
    MODEL,
    Column,
    Figure,
    Rows,
    Section,
    Table,
    make_table,
)
from slmrag.scoring.judge import GRADES
from slmrag.scoring.metric_variants import variant_columns

MAX_BEST_CELLS = 4  # sentences at the head of the page
OCCASIONAL_COLUMNS = (
    ("unfinished", "Unfinished reasoning", "Completions whose reasoning never ended: no answer"),
    ("shortened", "Prompts shortened", "Passages or words were removed to fit the model"),
    ("questions_shortened", "Questions shortened", "Words of the question itself were removed"),
)


def intro_sentences(experiment: Experiment, rows: Rows) -> list[str]:
    """Return sentences on what was compared, and on the best cell of each data set."""
    counts = [
        f"{len(entries)} {noun}{'' if len(entries) == 1 else 's'}"
        for entries, noun in (
            ({cell.model for cell in experiment.cells}, "model"),
            ({cell.dataset for cell in experiment.cells}, "data set"),
            ({cell.mode for cell in experiment.cells}, "mode"),
        )
    ]
    scored = f"{len(experiment.scored)} of {len(experiment.cells)} cells scored."
    metric = experiment.primary
    best = [
        f"Best {metric_phrase(metric)} on {row['dataset']} (oracle excluded): "
        f"{format_value(row[metric], 'share')}, by {row['model']} with {row['mode']}."
        for row in best_cells(rows, metric)[:MAX_BEST_CELLS]
    ]
    return [f"{', '.join(counts)}: {scored}", *best]


def result_section(experiment: Experiment, rows: Rows) -> Section:
    """Return the plot of the primary metric, and the table of models by modes, of each data set."""
    datasets = unique_values(rows, "dataset")
    figures = [mode_plot(experiment, rows, dataset) for dataset in datasets]
    tables = [model_by_mode_table(experiment, rows, dataset) for dataset in datasets]
    confidence = f"{100 * experiment.metrics['confidence']:g} %"
    intro = (
        f"{METRIC_LABELS[experiment.primary]}: mean over questions, with {confidence} confidence "
        "intervals (BCa bootstrap)."
    )
    if any(row["standing"] for row in rows):
        intro += (
            " In each mode the best model is marked, together with every model that is not shown "
            "to be worse (paired test, Holm's correction)."
        )
    return Section("result", "Result", [intro], figures, tables)


def mode_plot(experiment: Experiment, rows: Rows, dataset: str) -> Figure:
    """Return the plot of one data set: a row a model, a mark a mode."""
    metric, modes = experiment.primary, list(experiment.modes)
    own = [row for row in rows if row["dataset"] == dataset and not is_missing(row[metric])]
    lines = [
        (
            model,
            [
                plot_point(row, metric, modes.index(row["mode"]))
                for row in own
                if row["model"] == model
            ],
        )
        for model in unique_values(own, "model")
    ]
    label = f"{METRIC_LABELS[metric]} by mode and model on {dataset}"
    shown = (lines, modes, label, METRIC_LABELS[metric])
    return Figure(f"{metric}-{dataset}", dot_plot(*shown), label, dot_figure(*shown))


def plot_point(row: Mapping[str, Any], metric: str, series: int) -> DotPoint:
    """Return a cell's mark, with its numbers to be shown on hover."""
    value, low, high = (row[metric + end] for end in ("", "_low", "_high"))
    interval = (
        ""
        if is_missing(low)
        else f" ({format_value(low, 'share')} to {format_value(high, 'share')})"
    )
    tip = f"{row['model']}, {row['mode']}: {format_value(value, 'share')}{interval}, n = {row['n']}"
    return DotPoint(series, value, low, high, tip)


def model_by_mode_table(experiment: Experiment, rows: Rows, dataset: str) -> Table:
    """Return the result at a glance: a row a model, a column a mode, the best ones in words."""
    own = [row for row in rows if row["dataset"] == dataset]
    columns = [MODEL]
    columns += [
        Column(mode_key(mode), mode, "share", estimate=True, remark=f"{mode_key(mode)}_standing")
        for mode in unique_values(own, "mode")
    ]
    found: dict[str, dict[str, Any]] = {}
    for row in own:
        line, name = found.setdefault(row["model"], {"model": row["model"]}), mode_key(row["mode"])
        for end in ("", "_low", "_high"):
            line[name + end] = row[experiment.primary + end]
        line[f"{name}_standing"] = "" if row["standing"] == "worse" else row["standing"] or ""
    caption = f"{METRIC_LABELS[experiment.primary]} on {dataset}"
    return make_table(f"matrix-{dataset}", caption, columns, list(found.values()))


def mode_key(mode: str) -> str:
    """Return a mode's column, distinct from all others whatever the modes' names (model, a_low)."""
    return f"{mode}:"


def all_cells_section(experiment: Experiment, rows: Rows) -> Section:
    """Return the tables of all cells, of the modes, and of a judge's grades."""
    intro = ["Click a heading to sort. comparison.csv has all columns."]
    tables = [cells_table(experiment, rows), modes_table(experiment), grades_table(experiment)]
    return Section("all", "All cells", intro, tables=[table for table in tables if table.rows])


def cells_table(experiment: Experiment, rows: Rows) -> Table:
    """Return the table of all cells, the primary metric first."""
    others = [name for name in METRIC_LABELS if name != experiment.primary]
    variants = variant_columns(experiment.metrics.get("variants") or ())
    columns = [
        MODEL,
        DATASET,
        MODE,
        Column("n", "Questions", "count"),
        metric_column(experiment.primary, estimate=True),
        Column("standing", "vs. best in mode", "text", "Compared with the best model of the mode"),
        *map(metric_column, others),
        *(Column(name, name, "share") for name in variants),
        Column("has_answer", "Context has answer", "share", "Share of prompts with an answer"),
        Column("truncated", "Hit max_tokens", "count", "Completions that reached max_tokens"),
        Column("cut", "Answer truncated", "count", "Answers that were cut off at max_tokens"),
        Column("empty", "Empty", "count", "Answers with no text left after normalization"),
        *occasional_columns(experiment, rows),
    ]
    table = make_table("cells", "All cells", columns, rows, "dataset", "mode", "model")
    return replace(table, source="comparison.csv", limit=len(rows))


def metric_column(name: str, estimate: bool = False) -> Column:
    """Return a metric's column."""
    return Column(name, METRIC_LABELS[name], "share", METRIC_HELP.get(name, ""), estimate)


def occasional_columns(experiment: Experiment, rows: Rows) -> list[Column]:
    """Return the columns on rare problems, only those that occurred."""
    columns = [
        Column(name, label, "count", help)
        for name, label, help in OCCASIONAL_COLUMNS
        if any(row[name] for row in rows)
    ]
    if any(row["refused"] for row in rows):
        help = "Prompts that the endpoint refused; each scores 0"
        columns.append(Column("refused", "Refused", "count", help))
        name, help = answered_column(experiment), "The first metric over the other prompts"
        columns.append(Column(name, "Without refused", "share", help))
    if any(row["status"] != "scored" for row in rows):
        columns.append(Column("status", "Status"))
    return columns


def modes_table(experiment: Experiment) -> Table:
    """Return the table of modes and their settings."""
    columns = [
        Column("mode", "Mode"),
        Column("context", "Context"),
        Column("retriever", "Retriever"),
        Column("passages", "Passages", "count"),
        Column("template", "Template"),
        Column("digest", "Template SHA-256"),
    ]
    return make_table("modes", "Modes", columns, mode_rows(experiment))


def grades_table(experiment: Experiment) -> Table:
    """Return the table of a judge's grades."""
    columns = [
        MODEL,
        DATASET,
        MODE,
        Column("share_correct", "Share correct", "share", estimate=True),
        Column("accuracy_given_attempted", "Correct given attempted", "share"),
        Column("f1", "F1", "share", "Harmonic mean of the two columns before it"),
        *(Column(name, name.replace("_", " ").capitalize(), "count") for name in GRADES),
        Column("judge", "Judge"),
    ]
    rows = [grades_row(grades) for grades in experiment.grades]
    caption = "Graded by a judge model, as in SimpleQA; an unparseable verdict is not correct"
    return make_table("grades", caption, columns, rows, "dataset", "mode", "model")


def grades_row(grades: Mapping[str, Any]) -> dict[str, Any]:
    """Return one cell's grades, and which judge gave them."""
    ends = (("", "mean"), ("_low", "low"), ("_high", "high"))
    share = {f"share_correct{end}": grades["share_correct"][name] for end, name in ends}
    judge = grades["judge"]
    key = judge.get("cache_key") or judge["recipe"]  # its name in files of older versions
    name = f"{judge.get('name', 'unnamed')} by {key['engine']}"
    digest = f", checkpoint {key['checkpoint'][:12]}" if key.get("checkpoint") else ""
    return {**grades, **share, "judge": f"{name}{digest}, prompt {judge['prompt'][:12]}"}
