"""The section on cost: what each cell took, and what quality it bought."""

from collections.abc import Mapping
from typing import Any

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.formats import missing, show
from slmrag.report.page.scatter import Place, scatter
from slmrag.report.page.sections import Figure, Section
from slmrag.report.page.tables import CELL, Column, Rows, Table, table
from slmrag.report.sections.result import LABELS, names

AGAINST: tuple[tuple[str, str, str, float, bool], ...] = (
    ("peak_gpu_bytes", "GPU memory, GB", "size", 1e-9, False),
    ("peak_cpu_bytes", "Host memory, GB", "size", 1e-9, False),
    ("seconds_per_1000", "Engine seconds for a thousand questions", "decimal", 1.0, False),
    ("parameters", "Parameters, millions", "billions", 1e-6, True),
)


OWN = (
    "Seconds and energy per 1,000 questions and tokens a second are a cell's own, measured in the "
    "engine start that the cells of a model may share: each moment of the engine is divided among "
    "the answers in service then, by the tokens that each read or wrote in it (a prompt's tokens, "
    "without what a cache held, are spread over the time to its first token, new tokens over the "
    "rest). The parts of all answers add up to the time that the engine was busy, its first, slow "
    "steps among it, which weigh where questions are few; its start is apart. An answer that two "
    "questions share counts for each."
)
SERVICE = (
    "Service is an answer's time from its first step to its end while a full batch runs beside it: "
    "without the wait in the queue, but no latency of a request that comes alone. Start, memory "
    "peaks and the run's tokens a second are of whole engine runs."
)
MONEY = (
    "Cost is what the tokens of a cell's answers, as the endpoint counted them, come to by the "
    "price in the config, also of answers that earlier runs paid for. Discounts, and requests that "
    "broke and were sent again, are not in it."
)
ENDPOINT = (
    "Of an endpoint it is known when a request was in flight alone: what it waited there is in the "
    "seconds."
)


def section(experiment: Experiment, rows: Rows, indexes: Rows) -> Section:
    """Return the plots of quality against cost and the table of costs."""
    figures = [
        found
        for dataset in names(rows, "dataset")
        for axis in AGAINST
        if (found := figure(experiment, rows, dataset, *axis))
    ]
    words = [
        OWN,
        SERVICE,
        "The grey line joins the cells, oracle apart, that no cheaper one equals.",
    ]
    if any((row["engine"] or "").startswith("openai") for row in rows):
        words.insert(2, ENDPOINT)
    if any(row["cost"] is not None for row in rows):
        words.insert(3, MONEY)
    tables = [found for found in (costs(rows), built(indexes)) if found.rows]
    return Section("cost", "Cost", words, figures, tables)


def figure(
    experiment: Experiment, rows: Rows, dataset: str, name: str, axis: str, kind: str, unit: float,
    joined: bool,
) -> Figure | None:  # fmt: skip
    """Return the plot of quality against one cost, where at least two costs are known."""
    metric, modes = experiment.primary, list(experiment.modes)
    own = [r for r in rows if r["dataset"] == dataset and r[name] and not missing(r[metric])]
    if len({row[name] for row in own}) < 2:
        return None
    points = [
        Place(modes.index(r["mode"]), r[name] * unit, r[metric], tip(r, metric, name, kind))
        for r in own
    ]
    label = f"{LABELS[metric]} against {axis.split(',')[0].lower()} on {dataset}"
    ideal = [i for i, m in enumerate(modes) if experiment.modes[m]["context"] == "oracle"]
    drawn = scatter(points, modes, label, (axis, LABELS[metric]), joined, ideal)
    return Figure(f"{metric}-{name}-{dataset}", drawn, label)


def tip(row: Mapping[str, Any], metric: str, name: str, kind: str) -> str:
    """Return what is shown of a cell on hover."""
    return f"{row['model']}, {row['mode']}: {show(row[metric], 'share')}, {show(row[name], kind)}"


def costs(rows: Rows) -> Table:
    """Return the table of costs."""
    columns = [
        *CELL,
        Column("seconds_per_1000", "Seconds per 1,000", "decimal", "The cell's own engine time"),
        Column("prompt_tokens", "Prompt tokens", "decimal", "Mean"),
        Column("generated_tokens", "New tokens", "decimal", "Mean"),
        Column("tokens_per_second", "Tokens/s", "decimal", "New tokens a second of its own time"),
        Column("cost", "Cost", "decimal", "Of its answers, by the price", remark="cost_currency"),
        Column("energy_per_1000", "Energy, J per 1,000", "decimal", "Of the job's first GPU"),
        Column("service_seconds", "Service, s", "decimal", "Median, in a full batch"),
        Column("service_seconds_p90", "90th percentile", "decimal"),
        Column("first_token_seconds", "To first token, s", "decimal", "Median of service"),
        Column(
            "run_tokens_per_second", "Run's tokens/s", "decimal", "All cells of its engine runs"
        ),
        Column("start_seconds", "Start, s", "decimal", "Slowest engine start"),
        Column("peak_gpu_bytes", "GPU peak", "size"),
        Column("peak_cpu_bytes", "Host peak", "size"),
        Column("parameters", "Parameters", "billions"),
        Column("engine", "Engine"),
        Column("device", "Device"),
        Column("cost_remark", "Remark"),
    ]
    known = [row for row in rows if row["status"] == "scored"]
    return table("costs", "Time, tokens and memory", columns, known, "dataset", "mode", "model")


def built(indexes: Rows) -> Table:
    """Return the table of indexes."""
    columns = [
        Column("corpus", "Corpus"),
        Column("retriever", "Retriever"),
        Column("kind", "Kind"),
        Column("passages", "Passages", "count"),
        Column("max_length", "Reads up to", "count", "Tokens of a passage; all where none is said"),
        Column("cut", "Longer", "count", "Passages of which only the beginning is read"),
        Column("bytes", "Size", "size"),
        Column("seconds", "Built in, s", "decimal"),
    ]
    return table("indexes", "Indexes", columns, indexes)
