"""Writes a report's files, each whole or absent."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slmrag.files import atomic_folder, write_table, write_text
from slmrag.report.analysis.pair_tests import pairs_of_families
from slmrag.report.analysis.pairs import MODELS_IN_A_MODE, MODES_OF_A_MODEL
from slmrag.report.build import Report
from slmrag.report.page.svg import standalone
from slmrag.report.page.tables import Figure


def write_report(report: Report, output: Any) -> None:
    """Write the tables, the figures and the page to a job's outputs."""
    write_table(report.comparison, output.parquet)
    write_text(report.comparison.write_csv(), output.csv)
    if hasattr(output, "pairs_parquet"):
        write_table(report.pairs, output.pairs_parquet)
    write_figures(report.figures, Path(output.figures))
    for name, text in report_texts(report).items():
        if hasattr(output, name):
            write_text(text, getattr(output, name))
    write_text(report.html, output.html)


def report_texts(report: Report) -> dict[str, str]:
    """Return the further files of a report by the names of a rule's outputs."""
    pairs = pairs_of_families(report.pairs, MODES_OF_A_MODEL, MODELS_IN_A_MODE)
    return {
        "pairs": pairs.write_csv(),
        "analysis": json.dumps(report.analysis, indent=1, ensure_ascii=False) + "\n",
        "markdown": report.markdown,
        "latex": report.latex,
        "config": report.config,
    }


def write_figures(figures: Sequence[Figure], folder: Path) -> None:
    """Write each figure as an SVG file; the folder is whole or absent."""
    with atomic_folder(folder) as temporary:
        for figure in figures:
            (temporary / f"{figure.id}.svg").write_text(standalone(figure.svg), encoding="utf-8")
