"""From an experiment to everything that its report holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slmrag.report import paper_tables, saved_config
from slmrag.report.analysis import job_alerts
from slmrag.report.analysis.comparison import compare
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.pair_tests import tests
from slmrag.report.analysis.score_matrix import Board, boards, nothing
from slmrag.report.analysis.standings import standings
from slmrag.report.page.page import page
from slmrag.report.page.sections import Figure, Section
from slmrag.report.sections import (
    caveats,
    context_effects,
    cost,
    differences,
    matrix,
    pair_picker,
    provenance,
    question_browser,
    result,
    retrieval,
)
from slmrag.report.sections.method import definitions

if TYPE_CHECKING:
    import polars as pl

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Report:
    """The tables, figures and page of a comparison, and the numbers worth tracking."""

    comparison: "pl.DataFrame"
    pairs: "pl.DataFrame"
    html: str
    figures: Sequence[Figure]
    analysis: dict[str, Any]
    markdown: str
    latex: str
    config: str
    scalars: dict[str, float] = field(default_factory=dict)


def build(experiment: Experiment) -> Report:
    """Return the report of an experiment."""
    found = boards(experiment)
    tested = [tests(board) for board in found]
    places = {k: v for each in zip(found, tested, strict=True) for k, v in standings(*each).items()}
    pairs = all_pairs(experiment, tested)
    comparison = compare(experiment, places)
    rows = comparison.to_dicts()
    questions, packed = question_browser.pack(experiment, found)
    data = {
        "browser-data": packed,
        "pairs-data": pair_picker.pack(found, tested, experiment.primary),
    }
    sections = parts(experiment, rows, found, pairs)
    sections[-2:-2] = [question_browser.section(found, questions)] if found else []
    return Report(
        comparison,
        pairs,
        page(experiment.name, lead(experiment, rows), sections, data),
        [figure for section in sections for figure in section.figures],
        analysis(sections),
        paper_tables.markdown(experiment, rows),
        paper_tables.latex(experiment, rows),
        saved_config.text(experiment),
        scalars(experiment, rows),
    )


def all_pairs(experiment: Experiment, tested: Sequence["pl.DataFrame"]) -> "pl.DataFrame":
    """Return the tests of all data sets in one table."""
    import polars as pl

    return pl.concat(tested or [tests(nothing(experiment))])


def parts(
    experiment: Experiment, rows: Rows, found: Sequence[Board], pairs: "pl.DataFrame"
) -> list[Section]:
    """Return the sections in the order in which they are read."""
    indexes = provenance.indexes(experiment)
    sections = [
        result.section(experiment, rows, matrix.tables(experiment, rows)),
        result.every(experiment, rows),
        differences.section(experiment, found, pairs),
        context_effects.section(experiment, rows, found),
        retrieval.section(experiment, rows),
        cost.section(experiment, rows, indexes),
        provenance.section(experiment),
    ]
    raised = job_alerts.table_of(experiment.observed.alerts)
    notices = caveats.alerts(experiment, rows, found)
    warned = Section("alerts", "Caveats", notices=notices, tables=[raised] if raised.rows else [])
    kept = [section for section in sections if section.tables or section.figures]
    return [*([warned] if warned.notices or warned.tables else []), *kept, definitions(experiment)]


def analysis(sections: Sequence[Section]) -> dict[str, Any]:
    """Return the rows, whole, of the page's tables that have no file of their own, by table."""
    tables = (table for section in sections for table in section.tables)
    return {t.id: [dict(r) for r in t.rows] for t in tables if t.source == "analysis.json"}


def lead(experiment: Experiment, rows: Rows) -> list[str]:
    """Return what was compared, and the best cell of each data set, in a sentence each."""
    counts = [
        f"{len(entries)} {noun}{'' if len(entries) == 1 else 's'}"
        for entries, noun in (
            ({cell.model for cell in experiment.cells}, "model"),
            ({cell.dataset for cell in experiment.cells}, "data set"),
            ({cell.mode for cell in experiment.cells}, "mode"),
        )
    ]
    scored = f"{len(experiment.scored)} of {len(experiment.cells)} cells scored."
    return [f"{', '.join(counts)}: {scored}", *summits(experiment, rows)]


def summits(experiment: Experiment, rows: Rows) -> list[str]:
    """Say which real retriever, or else which mode, comes out best on each data set."""
    metric, sentences = experiment.primary, []
    for dataset in result.names(rows, "dataset"):
        own = [r for r in rows if r["dataset"] == dataset and r[metric] is not None]
        real = [row for row in own if row["context"] != "oracle"] or own
        if real:
            best = max(real, key=lambda row: row[metric])
            value = result.show(best[metric], "share")
            name = result.LABELS[metric].lower()
            where = f"On {dataset}, without the oracle, the best {name} is {value}"
            sentences.append(f"{where}: {best['model']} with {best['mode']}.")
    return sentences[:4]


def scalars(experiment: Experiment, rows: Rows) -> dict[str, float]:
    """Return the primary metric of each cell under its name, and how many cells there are."""
    metric = experiment.primary
    found = {f"{r['model']}/{r['dataset']}/{r['mode']}": r[metric] for r in rows}
    known = {f"{metric} {name}": value for name, value in found.items() if value is not None}
    return known | {"cells": len(rows), "scored": len(experiment.scored)}
