"""The section on cost: what each cell took, and what quality it bought."""

from collections.abc import Mapping
from typing import Any

from slmrag.reporting.formats import missing, show
from slmrag.reporting.headline import LABELS, names
from slmrag.reporting.scatter import Place, scatter
from slmrag.reporting.sections import Figure, Section
from slmrag.reporting.sources import Experiment
from slmrag.reporting.tables import CELL, Column, Rows, Table, table

AGAINST: tuple[tuple[str, str, str, float, bool], ...] = (
    ("peak_gpu_bytes", "GPU memory, GB", "size", 1e-9, False),
    ("peak_cpu_bytes", "Host memory, GB", "size", 1e-9, False),
    ("seconds", "Seconds a question (median)", "decimal", 1.0, False),
    ("parameters", "Parameters, millions", "billions", 1e-6, True),
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
        "Seconds a question are a completion's service time while the whole queue is in flight, "
        "so that they grow with what runs beside it. Tokens a second, start and memory "
        "peaks are of the engine runs that made the answers, which one model's cells may share. "
        "The grey line joins the cells, oracle apart, that no cheaper one equals."
    ]
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
        Column("seconds", "Seconds, median", "decimal"),
        Column("seconds_p90", "90th percentile", "decimal"),
        Column("first_token_seconds", "First token", "decimal", "Seconds, median"),
        Column("seconds_per_1000", "Seconds per 1,000", "decimal", "Generation of 1,000 questions"),
        Column("tokens_per_second", "Tokens/s", "decimal", "Generated tokens a second"),
        Column("prompt_tokens", "Prompt tokens", "decimal", "Mean"),
        Column("generated_tokens", "New tokens", "decimal", "Mean"),
        Column("start_seconds", "Start, s", "decimal", "Slowest engine start"),
        Column("peak_gpu_bytes", "GPU peak", "size"),
        Column("peak_cpu_bytes", "Host peak", "size"),
        Column("energy_per_1000", "Energy, J per 1,000", "decimal"),
        Column("parameters", "Parameters", "billions"),
        Column("engine", "Engine"),
        Column("device", "Device"),
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
