"""Recompute a judge's grades from its verdicts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrag.files import read_json, sha256_file
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.verify.equality import same, same_tree
from slmrag.scoring.judge import grade_verdict, summarize_grades


def check(page: str | Path, experiment: Experiment) -> int:
    """Read a cell's verdicts again, and compare grades, counts and the answers' digest.

    Returns how many verdicts there are; UserError names the first that does not match.
    """
    import polars as pl

    written, table = read_json(page), Path(page).with_suffix(".parquet")
    rows = pl.read_parquet(table)
    for id, verdict, given in rows.select("question_id", "verdict", "grade").iter_rows():
        same(given, grade_verdict(verdict), f"{table}: {id}: grade")
    again = summarize_grades(rows["grade"].to_list(), experiment.metrics)
    again["shortened"] = int((rows["words_cut"] > 0).sum())
    again["refused"] = rows["verdict"].null_count()
    same_tree({name: written.get(name) for name in again}, again, str(page))
    check_answers(written, experiment)
    return rows.height


def check_answers(written: Mapping[str, Any], experiment: Experiment) -> None:
    """Compare the digest of the answers that were graded with that of those of the report."""
    key = tuple(written[name] for name in ("model", "dataset", "mode"))
    for cell in experiment.cells:
        if cell.key == key and cell.answers is not None:
            digest = written.get("sources", {}).get("answers")
            same(digest, sha256_file(cell.answers), f"{cell.answers}: SHA-256 of what was graded")
