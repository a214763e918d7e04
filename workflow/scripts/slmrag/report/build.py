"""Builds everything that a report holds from an experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slmrag.report import paper_tables, saved_config
from slmrag.report.analysis.comparison import comparison_table
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.pair_tests import pair_table, vs_best_in_mode
from slmrag.report.analysis.score_matrix import ScoreMatrix, empty_score_matrix, score_matrices
from slmrag.report.page.page import render_page
from slmrag.report.page.tables import Figure, Rows, Section
from slmrag.report.sections.caveats import caveats_section
from slmrag.report.sections.context_effects import context_effects_section
from slmrag.report.sections.cost import cost_section
from slmrag.report.sections.differences import differences_section
from slmrag.report.sections.method import method_section
from slmrag.report.sections.pair_picker import pack_pairs
from slmrag.report.sections.provenance import provenance_section
from slmrag.report.sections.question_browser import pack_questions, questions_section
from slmrag.report.sections.result import all_cells_section, intro_sentences, result_section
from slmrag.report.sections.retrieval import retrieval_section
from slmrag.report.tracked import Tracked, tracked_facts

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Report:
    """The tables, figures and page of a comparison, and what a tracker is told of it."""

    comparison: "pl.DataFrame"
    pairs: "pl.DataFrame"
    html: str
    figures: Sequence[Figure]
    analysis: Mapping[str, Any]
    markdown: str
    latex: str
    config: str
    tracked: Tracked = field(default_factory=Tracked)


def build_report(experiment: Experiment) -> Report:
    """Return the report of an experiment."""
    import polars as pl

    matrices = score_matrices(experiment)
    tests = [pair_table(matrix) for matrix in matrices]
    vs_best = [vs_best_in_mode(*each) for each in zip(matrices, tests, strict=True)]
    pairs = pl.concat(tests or [pair_table(empty_score_matrix(experiment))])
    comparison = comparison_table(
        experiment, {cell: words for found in vs_best for cell, words in found.items()}
    )
    rows = comparison.to_dicts()
    questions, packed = pack_questions(experiment, matrices)
    data = {"browser-data": packed, "pairs-data": pack_pairs(matrices, tests, experiment.primary)}
    sections = build_sections(experiment, rows, matrices, pairs, questions)
    return Report(
        comparison,
        pairs,
        render_page(experiment.name, intro_sentences(experiment, rows), sections, data),
        [figure for section in sections for figure in section.figures],
        analysis_tables(sections),
        paper_tables.markdown(experiment, rows),
        paper_tables.latex(experiment, rows),
        saved_config.config_text(experiment),
        tracked_facts(experiment, rows, pairs, sections),
    )


def build_sections(
    experiment: Experiment,
    rows: Rows,
    matrices: Sequence[ScoreMatrix],
    pairs: "pl.DataFrame",
    questions: dict[str, Any],
) -> list[Section]:
    """Return the sections in order, without empty ones."""
    sections = [
        result_section(experiment, rows),
        all_cells_section(experiment, rows),
        differences_section(experiment, matrices, pairs),
        context_effects_section(experiment, rows, matrices),
        retrieval_section(experiment, rows),
        cost_section(experiment, rows),
        provenance_section(experiment),
    ]
    kept = [section for section in sections if section.tables or section.figures]
    if matrices:
        kept.insert(-1, questions_section(matrices, questions))
    caveats = caveats_section(experiment, rows, matrices)
    return [*([caveats] if caveats else []), *kept, method_section(experiment)]


def analysis_tables(sections: Sequence[Section]) -> dict[str, Any]:
    """Return all rows of the page's tables that have no file of their own, by table."""
    tables = (table for section in sections for table in section.tables)
    return {t.id: [dict(r) for r in t.rows] for t in tables if t.source == "analysis.json"}
