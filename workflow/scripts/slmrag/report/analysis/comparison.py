"""The comparison: one row a planned cell, with every number that the page shows of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slmrag.report.analysis.costs import COSTS, costs
from slmrag.report.analysis.experiment import Cell, Experiment
from slmrag.scoring.summary import averaged_columns

if TYPE_CHECKING:
    import polars as pl

TEXTS = (
    "model",
    "dataset",
    "mode",
    "context",
    "retriever",
    "status",
    "standing",
    "cost_currency",
    "cost_remark",
    "engine",
    "device",
)
COUNTS = ("passages", "n", "truncated", "cut", "unfinished", "empty", "failed", "shortened")
COUNTS += ("questions_shortened", "refused")
SUMMED = ("n", "has_answer", "has_answer_uncut", "passages_in_prompt", "shortened")
SUMMED += ("questions_shortened", "truncated", "empty", "refused", "generated_tokens")


def compare(experiment: Experiment, standings: dict[Any, str] | None = None) -> "pl.DataFrame":
    """Return the comparison table, its rows in the order of the config."""
    import polars as pl

    rows = [row(cell, experiment, (standings or {}).get(cell.key)) for cell in experiment.cells]
    kinds = {name: pl.String if name in TEXTS else pl.Int64 for name in (*TEXTS, *COUNTS)}
    return pl.DataFrame(
        rows, schema={name: kinds.get(name, pl.Float64) for name in columns(experiment)}
    )


def columns(experiment: Experiment) -> list[str]:
    """Return the names of the comparison's columns, in order."""
    bounds = [
        name + end for name in averaged_columns(experiment.metrics) for end in ("", "_low", "_high")
    ]
    identity = ["model", "dataset", "mode", "context", "retriever", "passages", "status", "n"]
    counts = [name for name in SUMMED if name != "n"]
    counts += [without_refused(experiment), "cut", "unfinished", "failed"]
    return [*identity, *bounds, "standing", *counts, *COSTS]


def without_refused(experiment: Experiment) -> str:
    """Return the column of the primary metric's mean over prompts that were not refused."""
    return f"{experiment.primary}_answered"


def row(cell: Cell, experiment: Experiment, standing: str | None) -> dict[str, Any]:
    """Return one row of the comparison; None where a number is missing."""
    mode, summary = experiment.modes.get(cell.mode, {}), cell.summary
    return {
        **dict.fromkeys(columns(experiment)),
        **dict(zip(("model", "dataset", "mode"), cell.key, strict=True)),
        **{name: mode.get(name) for name in ("context", "retriever", "passages")},
        "status": cell.problem or "scored",
        **{name: summary.get(name) for name in SUMMED},
        **{
            name: value
            for metric in averaged_columns(experiment.metrics)
            for name, value in bounds(metric, summary)
        },
        "standing": standing,
        without_refused(experiment): (summary.get("answered") or {}).get("mean"),
        **(failed(summary.get("failures", {})) if summary else {}),
        **costs(cell, experiment.prices.get(cell.model)),
    }


def failed(failures: Mapping[str, int]) -> dict[str, int]:
    """Return how many answers were cut, never begun, or failed in any form."""
    return {
        "cut": failures.get("truncated", 0),
        "unfinished": failures.get("unfinished_reasoning", 0),
        "failed": sum(failures.values()),
    }


def bounds(metric: str, summary: Any) -> list[tuple[str, float | None]]:
    """Return a metric's mean and interval under the names of their columns."""
    found = summary.get(metric) or {}
    ends = (("", "mean"), ("_low", "low"), ("_high", "high"))
    return [(metric + end, found.get(name)) for end, name in ends]
