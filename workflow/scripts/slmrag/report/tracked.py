"""What a tracker is told of a report: numbers, small tables, plots, and a note in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.job import events
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.headline import headline
from slmrag.report.page.tables import Figure, Rows, Section
from slmrag.report.tracked_tables import comparison_rows, pair_rows

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Tracked:
    """Numbers by name, tables of plain values by name, and a note in Markdown."""

    scalars: Mapping[str, float] = field(default_factory=dict)
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    note: str = ""


def tracked_facts(
    experiment: Experiment, rows: Rows, pairs: "pl.DataFrame", sections: Sequence[Section]
) -> Tracked:
    """Return what a tracker is told of a comparison."""
    return Tracked(
        tracked_scalars(experiment, rows),
        {"comparison": comparison_rows(experiment, rows), "pairs": pair_rows(pairs)},
        headline(experiment, rows, pairs, sections),
    )


def tracked_scalars(experiment: Experiment, rows: Rows) -> dict[str, float]:
    """Return the primary metric of each cell under its name, and how many cells there are."""
    metric = experiment.primary
    found = {f"{r['model']}/{r['dataset']}/{r['mode']}": r[metric] for r in rows}
    known = {f"{metric} {name}": value for name, value in found.items() if value is not None}
    return known | {"cells": len(rows), "scored": len(experiment.scored)}


def report_events(tracked: Tracked, figures: Sequence[Figure], folder: Path) -> None:
    """Report tables, plots and the note as events; ``folder`` has the figures' files."""
    events.emit("note", text=tracked.note)
    for name, rows in tracked.tables.items():
        if rows:
            events.table(name, rows)
    for figure in figures:
        path = str(folder / f"{figure.id}.svg")
        events.emit("plot", name=figure.id, path=path, figure=dict(figure.native))
