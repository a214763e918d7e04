"""Recomputes every number of a report from its rows, and every digest from its files.

Each check raises UserError naming the first number that does not match, and what it should be.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from slmrag.config.redaction import redact_values
from slmrag.errors import UserError
from slmrag.files import digest, read_json, sha256_file
from slmrag.report.analysis.experiment import Cell, Experiment, Key
from slmrag.report.analysis.job_records import read_saved_records
from slmrag.report.build import Report, build_report
from slmrag.report.verify.equality import (
    check_same,
    check_same_table,
    check_same_text,
    check_same_tree,
)
from slmrag.report.write import report_texts
from slmrag.retrieval.metrics import summarize
from slmrag.retrieval.relevance import annotate, read_hits
from slmrag.scoring.bootstrap import intervals_95
from slmrag.scoring.judge import grade_verdict, summarize_grades
from slmrag.scoring.score_table import join_answers, score_rows
from slmrag.scoring.summary import summarize_scores

REPORT_FILES = {
    "csv": "comparison.csv",
    "parquet": "comparison.parquet",
    "html": "report.html",
    "pairs": "pairs.csv",
    "pairs_parquet": "pairs.parquet",
    "analysis": "analysis.json",
    "markdown": "comparison.md",
    "latex": "comparison.tex",
    "config": "config.yaml",
}


def report_files(folder: str | Path) -> SimpleNamespace:
    """Return the report's files in its folder under the names of the rule's outputs."""
    return SimpleNamespace(**{name: Path(folder) / file for name, file in REPORT_FILES.items()})


def verify_report(experiment: Experiment, report: Any) -> dict[str, int]:
    """Check all cells, manifests and the report's files; return how many of each were checked."""
    for cell in experiment.scored:
        verify_cell(cell, experiment)
    files = sum(verify_manifest(path) for path in experiment.manifests)
    saved = replace(experiment, job_records=read_saved_records(report))
    verify_config(saved.job_records.config, experiment)
    numbers = compare_files(build_report(saved), report)
    return {"cells": len(experiment.scored), "files": files, "numbers": numbers}


def verify_config(config: Mapping[str, Any], experiment: Experiment) -> None:
    """Compare the saved config with the entries that decided the numbers."""
    kinds = ("models", "datasets", "retrievers", "modes")
    named = {kind: getattr(experiment, kind) for kind in kinds}
    tables: dict[Key, Mapping[str, Any]] = {
        (table, name): entry for table, found in named.items() for name, entry in found.items()
    }
    tables |= {(name,): getattr(experiment, name) for name in ("sampling", "metrics")}
    for path, entry in tables.items() if config else ():
        found: Any = config
        for name in path:
            found = found.get(name, {})
        completed = {"passages"} if path[0] == "modes" else set()
        for key, value in redact_values(entry).items():
            if key not in completed:
                check_same(found.get(key), value, f"config.yaml: {'.'.join((*path, key))}")


def verify_cell(cell: Cell, experiment: Experiment) -> None:
    """Score a cell's answers again, and compare rows, summary and digests."""
    import polars as pl

    if cell.answers is None or cell.scores is None:
        raise UserError(f"{cell.name}: its answers are missing, so its scores cannot be recomputed")
    questions = experiment.questions[cell.dataset,]
    for name, path in (("answers", cell.answers), ("questions", questions)):
        check_same(cell.summary.get("sources", {}).get(name), sha256_file(path), f"{path}: SHA-256")
    prompts = experiment.prompts[cell.dataset, cell.mode]
    answers, asked, shown = map(pl.read_parquet, (cell.answers, questions, prompts))
    rows = join_answers(answers, asked, shown, str(cell.answers))
    language = cell.summary.get("language")
    again = score_rows(rows, experiment.metrics.get("variants") or (), language)
    written = pl.read_parquet(cell.scores)
    check_same_table(written, again, str(cell.scores))
    summary = {name: value for name, value in cell.summary.items() if name != "sources"}
    names = dict(zip(("model", "dataset", "mode"), cell.key, strict=True))
    spoken = {key: summary[key] for key in ("language",) if key in summary}
    expected = names | spoken | summarize_scores(written, experiment.metrics)
    check_same_tree(summary, expected, str(cell.scores.with_suffix(".json")))


def verify_manifest(path: Path) -> int:
    """Compare the digest of each file that a manifest names, or of an index; return how many."""
    manifest = read_json(path) if path.is_file() else {}
    folder = path.with_suffix("")
    if (folder / "index.json").is_file():
        check_same(manifest["digest"], index_digest(folder), f"{folder}: digest")
        return 1
    for file in manifest.get("files", []):
        place = folder / file["name"]
        if file.get("sha256") and place.is_file():
            check_same(file["sha256"], sha256_file(place), f"{place}: SHA-256")
    return len(manifest.get("files", []))


def index_digest(folder: Path) -> str:
    """Return the digest of an index's files as in its manifest, without Snakemake's own files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    own = [path for path in files if not path.name.startswith(".snakemake")]
    return digest([[str(path.relative_to(folder)), sha256_file(path)] for path in own])


def compare_files(again: Report, report: Any) -> int:
    """Compare a report's files with a recomputed report; return how many numbers it has."""
    import polars as pl

    written = pl.read_parquet(report.parquet)
    check_same_table(written, again.comparison, str(report.parquet))
    if hasattr(report, "pairs_parquet"):
        check_same_table(
            pl.read_parquet(report.pairs_parquet), again.pairs, str(report.pairs_parquet)
        )
    for name, text in {"csv": again.comparison.write_csv(), **report_texts(again)}.items():
        if hasattr(report, name):
            check_same_text(Path(getattr(report, name)), text)
    check_same_text(Path(report.html), again.html)
    return written.height * written.width


def verify_grades(page: str | Path, experiment: Experiment) -> int:
    """Read a cell's verdicts again, and compare grades, counts and the answers' digest.

    Returns how many verdicts there are; UserError names the first that does not match.
    """
    import polars as pl

    written, table = read_json(page), Path(page).with_suffix(".parquet")
    rows = pl.read_parquet(table)
    for id, verdict, given in rows.select("question_id", "verdict", "grade").iter_rows():
        check_same(given, grade_verdict(verdict), f"{table}: {id}: grade")
    again = summarize_grades(rows["grade"].to_list(), experiment.metrics)
    again["shortened"] = int((rows["words_cut"] > 0).sum())
    again["refused"] = rows["verdict"].null_count()
    check_same_tree({name: written.get(name) for name in again}, again, str(page))
    verify_graded_answers(written, experiment)
    return rows.height


def verify_graded_answers(written: Mapping[str, Any], experiment: Experiment) -> None:
    """Compare the digest of the graded answers with that of the report's answers."""
    key = tuple(written[name] for name in ("model", "dataset", "mode"))
    for cell in experiment.cells:
        if cell.key == key and cell.answers is not None:
            graded = written.get("sources", {}).get("answers")
            check_same(
                graded, sha256_file(cell.answers), f"{cell.answers}: SHA-256 of what was graded"
            )


def verify_retrieval(hits: str | Path, passages: str | Path, experiment: Experiment) -> int:
    """Recompute a retriever's metrics from its hits; return how many there are.

    UserError names the first that does not match.
    """
    import polars as pl

    hits, passages = Path(hits), Path(passages)
    dataset, retriever = hits.with_suffix("").parts[-2:]
    questions = pl.read_parquet(experiment.questions[dataset,])
    table, relevance = annotate(read_hits(hits, questions, passages), questions, passages)
    check_same_table(pl.read_parquet(hits), table, str(hits))
    written = experiment.retrieval[dataset, retriever]
    again = summarize(relevance, written["depth"], intervals_95)
    kept = {name: written.get(name) for name in again}
    check_same_tree(kept, again, str(hits.with_suffix(".json")))
    return len(again["metrics"])
