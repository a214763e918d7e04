"""From an experiment to everything that its report holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slmrag.reporting import headline
from slmrag.reporting.comparison import compare
from slmrag.reporting.page import page
from slmrag.reporting.sections import Figure
from slmrag.reporting.sources import Experiment

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Report:
    """The tables, figures and page of a comparison, and the numbers worth tracking."""

    comparison: "pl.DataFrame"
    html: str
    figures: Sequence[Figure]
    scalars: dict[str, float] = field(default_factory=dict)


def build(experiment: Experiment) -> Report:
    """Return the report of an experiment."""
    comparison = compare(experiment)
    rows = comparison.to_dicts()
    sections = [headline.section(experiment, rows)]
    figures = [figure for section in sections for figure in section.figures]
    html = page(experiment.name, lead(experiment), sections, {})
    return Report(comparison, html, figures, scalars(experiment, rows))


def lead(experiment: Experiment) -> list[str]:
    """Return what was compared, in a sentence or two."""
    counts = [
        f"{len(entries)} {noun}{'' if len(entries) == 1 else 's'}"
        for entries, noun in (
            ({cell.model for cell in experiment.cells}, "model"),
            ({cell.dataset for cell in experiment.cells}, "data set"),
            ({cell.mode for cell in experiment.cells}, "mode"),
        )
    ]
    scored = len(experiment.scored)
    return [f"{', '.join(counts)}: {scored} of {len(experiment.cells)} cells scored."]


def scalars(experiment: Experiment, rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the primary metric of each cell under its name, and how many cells there are."""
    metric = experiment.primary
    found = {f"{r['model']}/{r['dataset']}/{r['mode']}": r[metric] for r in rows}
    known = {f"{metric} {name}": value for name, value in found.items() if value is not None}
    return known | {"cells": len(rows), "scored": len(experiment.scored)}
