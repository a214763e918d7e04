"""The result at a glance: a row a model, a column a mode, one table a data set."""

from typing import Any

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.tables import MODEL, Column, Rows, Table, table
from slmrag.report.sections.result import LABELS, names


def tables(experiment: Experiment, rows: Rows) -> list[Table]:
    """Return each data set's table of the primary metric, its places in words."""
    return [matrix(experiment, rows, dataset) for dataset in names(rows, "dataset")]


def matrix(experiment: Experiment, rows: Rows, dataset: str) -> Table:
    """Return one data set's table."""
    own = [row for row in rows if row["dataset"] == dataset]
    columns = [MODEL]
    columns += [
        Column(key(mode), mode, "share", estimate=True, remark=f"{key(mode)}_standing")
        for mode in names(own, "mode")
    ]
    found: dict[str, dict[str, Any]] = {}
    for row in own:
        line, name = found.setdefault(row["model"], {"model": row["model"]}), key(row["mode"])
        for end in ("", "_low", "_high"):
            line[name + end] = row[experiment.primary + end]
        line[f"{name}_standing"] = WORDS.get(row["standing"], "")
    caption = f"{LABELS[experiment.primary]} on {dataset}"
    return table(f"matrix-{dataset}", caption, columns, list(found.values()))


def key(mode: str) -> str:
    """Return a mode's column: no other's, whatever the modes are called (model, a, a_low)."""
    return f"{mode}:"


WORDS = {"best": "best", "not shown to be worse": "not shown to be worse"}
