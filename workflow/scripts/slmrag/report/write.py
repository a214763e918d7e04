"""Put a report's parts on disk, each whole or absent."""

import json
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

from slmrag.files import atomic, write_table
from slmrag.report.analysis.pairs import MODELS, MODES
from slmrag.report.build import Report
from slmrag.report.page.sections import Figure
from slmrag.report.page.svg import standalone
from slmrag.report.sections.differences import narrow


def write(report: Report, output: Any) -> None:
    """Write the tables, the figures and the page where a job is told to."""
    write_table(report.comparison, output.parquet)
    write_text(report.comparison.write_csv(), output.csv)
    if hasattr(output, "every_pair"):
        write_table(report.pairs, output.every_pair)
    write_figures(report.figures, Path(output.figures))
    for name, text in texts(report).items():
        if hasattr(output, name):
            write_text(text, getattr(output, name))
    write_text(report.html, output.html)


def texts(report: Report) -> dict[str, str]:
    """Return the further files of a report by the names of a rule's outputs."""
    return {
        "pairs": narrow(report.pairs, MODES, MODELS).write_csv(),
        "analysis": json.dumps(report.analysis, indent=1, ensure_ascii=False) + "\n",
        "markdown": report.markdown,
        "latex": report.latex,
        "config": report.config,
    }


def write_text(text: str, path: str | Path) -> None:
    """Write a text file."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_figures(figures: list[Figure], folder: Path) -> None:
    """Write each figure as an SVG of its own; the folder is whole or absent."""
    temporary = folder.with_name(f".{folder.name}.{uuid4().hex[:12]}.part")
    temporary.mkdir(parents=True)
    try:
        for figure in figures:
            (temporary / f"{figure.id}.svg").write_text(standalone(figure.svg), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
