"""Small tables of a report for a tracker: a row a cell, and the most important tests."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.pair_tests import pairs_of_families
from slmrag.report.analysis.pairs import MODELS_IN_A_MODE, MODES_OF_A_MODEL
from slmrag.report.page.formats import (
    MISSING_TEXT,
    format_decimal,
    format_difference,
    format_probability,
    format_share,
    is_missing,
)
from slmrag.report.page.labels import METRIC_LABELS

if TYPE_CHECKING:
    import polars as pl

Row = Mapping[str, Any]
Rows = Sequence[Row]
MAX_CELLS, MAX_TESTS = 500, 50
UNKNOWN = "unknown"
STANDING, COST, ENERGY = "vs. best in mode", "cost", "J per 1,000 questions"
OPTIONAL = {STANDING: "standing", COST: "cost", ENERGY: "energy_per_1000"}
"""Columns that are left out where no cell has a value, and the comparison's own."""


def comparison_rows(experiment: Experiment, rows: Rows) -> list[dict[str, Any]]:
    """Return a row of about eight rounded values a cell; the last row counts those left out."""
    shown = [comparison_row(experiment, row) for row in rows[:MAX_CELLS]]
    unused = {
        name for name, source in OPTIONAL.items() if all(is_missing(row[source]) for row in rows)
    }
    kept = [{name: value for name, value in row.items() if name not in unused} for row in shown]
    return kept + rest_row(kept, len(rows) - len(kept), "comparison.csv")


def comparison_row(experiment: Experiment, row: Row) -> dict[str, Any]:
    """Return one cell's values; what is not known is said to be unknown."""
    names = {"model": row["model"], "data set": row["dataset"], "mode": row["mode"]}
    label, scored = METRIC_LABELS[experiment.primary], row["status"] == "scored"
    found = {
        "n": row["n"],
        label: estimate_text(row, experiment.primary),
        STANDING: row["standing"] or MISSING_TEXT,
        "tokens/s": rounded(row["tokens_per_second"]),
        "peak GB": peak_text(row),
        COST: cost_text(row),
        ENERGY: rounded(row["energy_per_1000"]),
    }
    if not scored:
        found = dict.fromkeys(found, MISSING_TEXT) | {label: row["status"]}
    return names | found


def estimate_text(row: Row, name: str, difference: bool = False) -> str:
    """Return a value and its interval: 0.512 [0.480, 0.544]."""
    write = format_difference if difference else format_share
    value, low, high = (row.get(name + end) for end in ("", "_low", "_high"))
    if value is None or is_missing(value):
        return UNKNOWN
    if low is None or high is None or is_missing(low) or is_missing(high):
        return write(value)
    return f"{write(value)} [{write(low)}, {write(high)}]"


def rounded(value: float | None) -> float | str:
    """Return three significant digits of a number."""
    if value is None or is_missing(value):
        return UNKNOWN
    number = float(f"{value:.3g}")
    return int(number) if number.is_integer() else number


def peak_text(row: Row) -> str:
    """Return a cell's peak memory in GB: that of the GPU where it was measured, else the CPU's."""
    for column, kind in (("peak_gpu_bytes", "GPU"), ("peak_cpu_bytes", "CPU")):
        if row[column]:
            return f"{row[column] / 1e9:.2f} ({kind})"
    return UNKNOWN


def cost_text(row: Row) -> str:
    """Return a cell's cost in money."""
    if is_missing(row["cost"]):
        return UNKNOWN
    return f"{format_decimal(row['cost'])} {row['cost_currency']}"


def pair_rows(pairs: "pl.DataFrame") -> list[dict[str, Any]]:
    """Return the tests of the page's two families, those with the smallest corrected p first.

    Of equal p values, the larger effect comes first; the last row counts those left out.
    """
    import polars as pl

    found = pairs_of_families(pairs, MODES_OF_A_MODEL, MODELS_IN_A_MODE)
    order = (pl.col("p_holm"), -pl.col("effect").abs())
    first = found.sort(*order, maintain_order=True).head(MAX_TESTS)
    shown = [pair_row(row) for row in first.iter_rows(named=True)]
    return shown + rest_row(shown, found.height - len(shown), "pairs.csv")


def pair_row(row: Row) -> dict[str, Any]:
    """Return one test: what is compared, the effect, and what the test shows."""
    return {
        "data set": row["dataset"],
        "within": row["within"],
        "first": row["first"],
        "second": row["second"],
        "effect, first minus second": estimate_text(row, "effect", difference=True),
        "p, corrected": format_probability(row["p_holm"]),
        "verdict": row["verdict"],
        "n": row["n"],
    }


def rest_row(shown: Rows, left: int, file: str) -> list[dict[str, Any]]:
    """Return a last row that says how many rows are left out, if any are."""
    if left <= 0:
        return []
    first, *others = shown[0]
    return [{first: f"{left} more in {file}", **dict.fromkeys(others, "")}]
