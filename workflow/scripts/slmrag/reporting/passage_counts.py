"""The primary metric by the number of passages that a mode chooses for its prompts."""

from collections.abc import Mapping
from typing import Any

from slmrag.reporting.headline import LABELS
from slmrag.reporting.sources import Experiment
from slmrag.reporting.tables import DATASET, MODEL, Column, Rows, Table, table


def counts(experiment: Experiment, rows: Rows) -> Table:
    """Return a row a data set, retriever and model, a column a number of passages, 0 for none."""
    plain = {(r["dataset"], r["model"]): r for r in rows if r["context"] == "none"}
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    known = {0} if plain else set()
    for row in rows:
        if row["context"] == "retriever" and row["passages"]:
            key = row["dataset"], row["retriever"], row["model"]
            base = plain.get((row["dataset"], row["model"]), {})
            names = dict(zip(KEYS, key, strict=True))
            line = found.setdefault(key, names | estimate(experiment.primary, base, 0))
            line |= estimate(experiment.primary, row, row["passages"])
            known.add(row["passages"])
    columns = [
        DATASET,
        Column("retriever", "Retriever"),
        MODEL,
        *(Column(f"passages_{n}", str(n), "share", estimate=True) for n in sorted(known)),
    ]
    caption = f"{LABELS[experiment.primary]} by the number of passages that were chosen"
    note = CUT if any(row["shortened"] for row in rows) else ""
    return table("passages", caption, columns, [*found.values()], *KEYS, note=note)


KEYS = ("dataset", "retriever", "model")
CUT = "Some prompts were cut and held fewer; the section on retrieval says how many stood in them."


def estimate(metric: str, row: Mapping[str, Any], passages: int) -> dict[str, Any]:
    """Return a cell's mean and interval under the names of its number of passages."""
    return {f"passages_{passages}{end}": row.get(metric + end) for end in ("", "_low", "_high")}
