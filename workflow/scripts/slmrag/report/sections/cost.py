"""The section on cost: time, tokens, memory and money of each cell, against its quality."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slmrag.report.analysis.comparison import unique_values
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.provenance import index_rows
from slmrag.report.page.formats import format_value, is_missing
from slmrag.report.page.labels import METRIC_LABELS
from slmrag.report.page.native_plots import scatter_figure
from slmrag.report.page.plots import ScatterPoint, scatter
from slmrag.report.page.tables import (
    CELL_COLUMNS,
    Column,
    Figure,
    Rows,
    Section,
    Table,
    make_table,
)


class CostAxis(NamedTuple):
    """A cost that quality is drawn against: column, name of the axis, format, unit.

    ``joined`` draws a line through the cells of each mode.
    """

    column: str
    name: str
    kind: str
    unit: float
    joined: bool = False

    @property
    def phrase(self) -> str:
        """The axis as it stands inside a sentence, without its unit."""
        name = self.name.partition(",")[0]
        return name if name[1].isupper() else name[0].lower() + name[1:]


COST_AXES = (
    CostAxis("peak_gpu_bytes", "GPU memory, GB", "size", 1e-9),
    CostAxis("peak_cpu_bytes", "Host memory, GB", "size", 1e-9),
    CostAxis("seconds_per_1000", "Engine seconds per thousand questions", "decimal", 1.0),
    CostAxis("parameters", "Parameters, millions", "billions", 1e-6, joined=True),
)
OWN_TIME_NOTE = (
    "Seconds and energy per 1,000 questions, and tokens per second, are a cell's own share of its "
    "engine runs, which the cells of a model may have in common. Each moment of a run is divided "
    "among the answers in service at that moment, by the tokens that each reads or writes then: a "
    "prompt's tokens (without cached ones) are spread over the time to its first token, generated "
    "tokens over the rest. All shares add up to the time in which the engine was busy. This "
    "includes its slow first steps, which matter where questions are few, but not its start. An "
    "answer that two questions share counts for both."
)
SERVICE_TIME_NOTE = (
    "Service time is the time from an answer's first step to its last, while a full batch runs "
    "beside it. It does not include waiting in the queue, and it is not the latency of a single "
    "request. Start, peak memory and the run's tokens per second are of whole engine runs."
)
MONEY_NOTE = (
    "Cost is the number of tokens of a cell's answers, as counted by the endpoint, times the price "
    "in the config. It includes answers that earlier runs paid for, but neither discounts nor "
    "requests that failed and were sent again."
)
ENDPOINT_NOTE = (
    "At an endpoint only the start and end of a request are known, so its seconds include waiting "
    "there."
)


def cost_section(experiment: Experiment, rows: Rows) -> Section:
    """Return the plots of quality against cost and the table of costs."""
    figures = [
        found
        for dataset in unique_values(rows, "dataset")
        for axis in COST_AXES
        if (found := cost_plot(experiment, rows, dataset, axis))
    ]
    intro = [
        OWN_TIME_NOTE,
        SERVICE_TIME_NOTE,
        "The gray line joins the cells (oracle excluded) that no cheaper cell equals.",
    ]
    if any((row["engine"] or "").startswith("openai") for row in rows):
        intro.insert(2, ENDPOINT_NOTE)
    if any(row["cost"] is not None for row in rows):
        intro.insert(3, MONEY_NOTE)
    tables = [found for found in (costs_table(rows), indexes_table(experiment)) if found.rows]
    return Section("cost", "Cost", intro, figures, tables)


def cost_plot(experiment: Experiment, rows: Rows, dataset: str, axis: CostAxis) -> Figure | None:
    """Return the plot of quality against one cost, where at least two costs are known."""
    metric, modes, cost = experiment.primary, list(experiment.modes), axis.column
    own = [r for r in rows if r["dataset"] == dataset and r[cost] and not is_missing(r[metric])]
    if len({row[cost] for row in own}) < 2:
        return None
    points = [cost_point(row, metric, axis, modes.index(row["mode"])) for row in own]
    label = f"{METRIC_LABELS[metric]} against {axis.phrase} on {dataset}"
    ideal = [i for i, mode in enumerate(modes) if experiment.modes[mode]["context"] == "oracle"]
    axes = (axis.name, METRIC_LABELS[metric])
    shown = (points, modes, label, axes, axis.joined, ideal)
    return Figure(f"{metric}-{cost}-{dataset}", scatter(*shown), label, scatter_figure(*shown))


def cost_point(row: Mapping[str, Any], metric: str, axis: CostAxis, series: int) -> ScatterPoint:
    """Return a cell's mark, with its numbers to be shown on hover."""
    quality, cost = format_value(row[metric], "share"), format_value(row[axis.column], axis.kind)
    tip = f"{row['model']}, {row['mode']}: {quality}, {cost}"
    return ScatterPoint(series, row[axis.column] * axis.unit, row[metric], tip)


def costs_table(rows: Rows) -> Table:
    """Return the table of costs."""
    columns = [
        *CELL_COLUMNS,
        Column("seconds_per_1000", "Seconds per 1,000", "decimal", "The cell's own engine time"),
        Column("prompt_tokens", "Prompt tokens", "decimal", "Mean"),
        Column("generated_tokens", "Generated tokens", "decimal", "Mean"),
        Column("tokens_per_second", "Tokens/s", "decimal", "Generated, in the cell's own time"),
        Column("cost", "Cost", "decimal", "At the config's price", remark="cost_currency"),
        Column("energy_per_1000", "Energy, J per 1,000", "decimal", "Of the job's first GPU"),
        Column("service_seconds", "Service, s", "decimal", "Median, in a full batch"),
        Column("service_seconds_p90", "Service p90, s", "decimal", "90th percentile"),
        Column("first_token_seconds", "First token, s", "decimal", "Median since the first step"),
        Column(
            "run_tokens_per_second", "Run's tokens/s", "decimal", "Of all cells in its engine runs"
        ),
        Column("start_seconds", "Start, s", "decimal", "Slowest engine start"),
        Column("peak_gpu_bytes", "Peak GPU memory", "size"),
        Column("peak_cpu_bytes", "Peak host memory", "size"),
        Column("parameters", "Parameters", "billions"),
        Column("engine", "Engine"),
        Column("device", "Device"),
        Column("cost_remark", "Remark"),
    ]
    known = [row for row in rows if row["status"] == "scored"]
    return make_table(
        "costs", "Time, tokens and memory", columns, known, "dataset", "mode", "model"
    )


def indexes_table(experiment: Experiment) -> Table:
    """Return the table of indexes."""
    columns = [
        Column("corpus", "Corpus"),
        Column("retriever", "Retriever"),
        Column("kind", "Kind"),
        Column("passages", "Passages", "count"),
        Column("max_length", "Reads up to", "count", "Tokens of a passage; no limit if empty"),
        Column("cut", "Truncated", "count", "Passages that are longer than what is read"),
        Column("bytes", "Size", "size"),
        Column("seconds", "Build time, s", "decimal"),
    ]
    return make_table("indexes", "Indexes", columns, index_rows(experiment))
