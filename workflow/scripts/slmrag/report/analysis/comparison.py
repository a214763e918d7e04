"""The comparison: one row per planned cell, with all numbers that the page shows of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slmrag.report.analysis.costs import COST_COLUMNS, cell_costs
from slmrag.report.analysis.experiment import Cell, Experiment
from slmrag.scoring.summary import averaged_columns

if TYPE_CHECKING:
    import polars as pl

Rows = Sequence[Mapping[str, Any]]
TEXT_COLUMNS = (
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
COUNT_COLUMNS = (
    *("passages", "n", "truncated", "cut", "unfinished", "empty", "failed", "shortened"),
    *("questions_shortened", "refused"),
)
SUMMARY_COLUMNS = (
    *("n", "has_answer", "has_answer_uncut", "passages_in_prompt", "shortened"),
    *("questions_shortened", "truncated", "empty", "refused", "generated_tokens"),
)


def comparison_table(
    experiment: Experiment, vs_best: Mapping[tuple[str, str, str], str] | None = None
) -> "pl.DataFrame":
    """Return the comparison table, its rows in the order of the config."""
    import polars as pl

    rows = [
        comparison_row(cell, experiment, (vs_best or {}).get(cell.key)) for cell in experiment.cells
    ]
    kinds = dict.fromkeys(TEXT_COLUMNS, pl.String) | dict.fromkeys(COUNT_COLUMNS, pl.Int64)
    columns = comparison_columns(experiment)
    return pl.DataFrame(rows, schema={name: kinds.get(name, pl.Float64) for name in columns})


def comparison_columns(experiment: Experiment) -> list[str]:
    """Return the names of the comparison's columns, in order."""
    bounds = [
        name + end for name in averaged_columns(experiment.metrics) for end in ("", "_low", "_high")
    ]
    identity = ["model", "dataset", "mode", "context", "retriever", "passages", "status", "n"]
    counts = [name for name in SUMMARY_COLUMNS if name != "n"]
    counts += [answered_column(experiment), "cut", "unfinished", "failed"]
    return [*identity, *bounds, "standing", *counts, *COST_COLUMNS]


def answered_column(experiment: Experiment) -> str:
    """Return the column of the primary metric's mean over prompts that were not refused."""
    return f"{experiment.primary}_answered"


def comparison_row(cell: Cell, experiment: Experiment, standing: str | None) -> dict[str, Any]:
    """Return one row of the comparison; None where a number is missing."""
    mode, summary = experiment.modes.get(cell.mode, {}), cell.summary
    return {
        **dict.fromkeys(comparison_columns(experiment)),
        **dict(zip(("model", "dataset", "mode"), cell.key, strict=True)),
        **{name: mode.get(name) for name in ("context", "retriever", "passages")},
        "status": cell.problem or "scored",
        **{name: summary.get(name) for name in SUMMARY_COLUMNS},
        **{
            name: value
            for metric in averaged_columns(experiment.metrics)
            for name, value in mean_and_bounds(metric, summary)
        },
        "standing": standing,
        answered_column(experiment): (summary.get("answered") or {}).get("mean"),
        **(failure_counts(summary.get("failures", {})) if summary else {}),
        **cell_costs(cell, experiment.prices.get(cell.model)),
    }


def failure_counts(failures: Mapping[str, int]) -> dict[str, int]:
    """Return how many answers were truncated, have unfinished reasoning, or failed in any way."""
    return {
        "cut": failures.get("truncated", 0),
        "unfinished": failures.get("unfinished_reasoning", 0),
        "failed": sum(failures.values()),
    }


def mean_and_bounds(metric: str, summary: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    """Return a metric's mean and interval under the names of their columns."""
    found = summary.get(metric) or {}
    ends = (("", "mean"), ("_low", "low"), ("_high", "high"))
    return [(metric + end, found.get(name)) for end, name in ends]


def unique_values(rows: Rows, column: str) -> list[Any]:
    """Return the values of a column in the order of their first occurrence."""
    return list(dict.fromkeys(row[column] for row in rows))


def best_cells(rows: Rows, metric: str) -> list[Mapping[str, Any]]:
    """Return the best row of each data set, without oracle modes if there are others."""
    ranked = (ranked_cells(rows, metric, name) for name in unique_values(rows, "dataset"))
    return [found[0] for found in ranked if found]


def ranked_cells(rows: Rows, metric: str, dataset: str) -> list[Mapping[str, Any]]:
    """Return the scored rows of a data set, best first, without oracle modes if there are others.

    Equal rows keep their order.
    """
    own = [row for row in rows if row["dataset"] == dataset and row[metric] is not None]
    real = [row for row in own if row["context"] != "oracle"] or own
    return sorted(real, key=lambda row: row[metric], reverse=True)


def prompt_coverage(rows: Rows) -> list[dict[str, Any]]:
    """Return the rows of cells with context, with the share of their prompts that were shortened.

    The column before shortening is None where no prompt was shortened.
    """
    return [
        {
            **row,
            "shortened_share": (row["shortened"] or 0) / row["n"],
            "has_answer_uncut": row["has_answer_uncut"] if row["shortened"] else None,
        }
        for row in rows
        if row["has_answer"] is not None
    ]
