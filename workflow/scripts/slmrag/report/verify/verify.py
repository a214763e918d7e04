"""Recompute every number of a report from its rows and every digest from its files.

Each check raises UserError naming the first number that does not match, and what it should be.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from slmrag.config.redaction import clean
from slmrag.files import digest, read_json, sha256_file
from slmrag.report.analysis import job_records
from slmrag.report.analysis.experiment import Cell, Experiment
from slmrag.report.build import Report, build
from slmrag.report.verify.equality import same, same_table, same_text, same_tree
from slmrag.report.write import texts
from slmrag.scoring.score_table import join_answers, score_rows
from slmrag.scoring.summary import summarize_scores

if TYPE_CHECKING:
    import polars as pl


def verify(experiment: Experiment, report: Any) -> dict[str, int]:
    """Check all cells, manifests and the report's files; return how many of each were checked."""
    for cell in experiment.scored:
        check_cell(cell, experiment)
    files = sum(check_manifest(path) for path in experiment.manifests)
    told = replace(experiment, observed=job_records.written(report))
    check_config(told.observed.config, experiment)
    numbers = check_report(build(told), report)
    return {"cells": len(experiment.scored), "files": files, "numbers": numbers}


def check_config(config: Mapping[str, Any], experiment: Experiment) -> None:
    """Compare the saved config with the entries that decided the numbers."""
    kinds = ("models", "datasets", "retrievers", "modes")
    named = {kind: getattr(experiment, kind) for kind in kinds}
    tables = {(t, name): entry for t, found in named.items() for name, entry in found.items()}
    tables |= {(name,): getattr(experiment, name) for name in ("sampling", "metrics")}
    for path, entry in tables.items() if config else ():
        found: Any = config
        for name in path:
            found = found.get(name, {})
        completed = {"passages"} if path[0] == "modes" else set()
        for key, value in clean(entry).items():
            if key not in completed:
                same(found.get(key), value, f"config.yaml: {'.'.join((*path, key))}")


def check_cell(cell: Cell, experiment: Experiment) -> None:
    """Score a cell's answers again, and compare rows, summary and digests."""
    import polars as pl

    questions = experiment.questions[cell.dataset,]
    for name, path in (("answers", cell.answers), ("questions", questions)):
        same(cell.summary.get("sources", {}).get(name), sha256_file(path), f"{path}: SHA-256")
    prompts = experiment.prompts[cell.dataset, cell.mode]
    tables = [pl.read_parquet(path) for path in (cell.answers, questions, prompts)]
    again, written = (
        rescored(
            join_answers(*tables, str(cell.answers)), experiment, cell.summary.get("language")
        ),
        pl.read_parquet(cell.scores),
    )
    same_table(written, again, str(cell.scores))
    summary = {name: value for name, value in cell.summary.items() if name != "sources"}
    names = dict(zip(("model", "dataset", "mode"), cell.key, strict=True))
    spoken = {key: summary[key] for key in ("language",) if key in summary}
    expected = names | spoken | summarize_scores(written, experiment.metrics)
    same_tree(summary, expected, str(Path(cell.scores).with_suffix(".json")))


def rescored(rows: "pl.DataFrame", experiment: Experiment, language: str | None) -> "pl.DataFrame":
    """Score the answers of a cell again."""
    return score_rows(rows, experiment.metrics.get("variants") or (), language)


def check_manifest(path: Path) -> int:
    """Compare the digest of each file that a manifest names, or of an index; return how many."""
    manifest = read_json(path) if path.is_file() else {}
    folder = path.with_suffix("")
    if (folder / "index.json").is_file():
        same(manifest["digest"], index_digest(folder), f"{folder}: digest")
        return 1
    for file in manifest.get("files", []):
        place = folder / file["name"]
        if file.get("sha256") and place.is_file():
            same(file["sha256"], sha256_file(place), f"{place}: SHA-256")
    return len(manifest.get("files", []))


def index_digest(folder: Path) -> str:
    """Return the digest of an index's files, as its manifest has it; Snakemake's own are none."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    own = [path for path in files if not path.name.startswith(".snakemake")]
    return digest([[str(path.relative_to(folder)), sha256_file(path)] for path in own])


def check_report(again: Report, report: Any) -> int:
    """Compare the tables, the page and the figures that were written with ones made anew."""
    import polars as pl

    written = pl.read_parquet(report.parquet)
    same_table(written, again.comparison, str(report.parquet))
    if hasattr(report, "every_pair"):
        same_table(pl.read_parquet(report.every_pair), again.pairs, str(report.every_pair))
    for name, text in {"csv": again.comparison.write_csv(), **texts(again)}.items():
        if hasattr(report, name):
            same_text(Path(getattr(report, name)), text)
    same_text(Path(report.html), again.html)
    return written.height * written.width


def paths(folder: str | Path) -> SimpleNamespace:
    """Return the report's files in its folder under the names of the rule's outputs."""
    names = {
        "csv": "comparison.csv",
        "parquet": "comparison.parquet",
        "html": "report.html",
        "pairs": "pairs.csv",
        "every_pair": "pairs.parquet",
        "analysis": "analysis.json",
        "markdown": "comparison.md",
        "latex": "comparison.tex",
        "config": "config.yaml",
    }
    return SimpleNamespace(**{name: Path(folder) / file for name, file in names.items()})
