"""The section on retrieval: what the retrievers found, beside what the models made of it."""

from collections.abc import Mapping
from typing import Any

from slmrag.reporting.sections import Section
from slmrag.reporting.sources import Experiment
from slmrag.reporting.tables import DATASET, MODE, MODEL, Column, Rows, table

LABELS = {"has_answer": "Has answer", "gold_recall": "Gold recall", "ndcg": "nDCG", "mrr": "MRR"}


def section(experiment: Experiment, rows: Rows) -> Section:
    """Return the tables of the retrievers' metrics and of coverage against recall."""
    runs = [run(*key, found) for key, found in experiment.retrieval.items()]
    metrics = sorted({name for row in runs for name in row["metrics"]}, key=by_cutoff)
    columns = [
        DATASET,
        Column("retriever", "Retriever"),
        Column("questions", "Questions", "count"),
        Column("without_hits", "Without hits", "count"),
        *(Column(name, label(name), "share", estimate=True) for name in metrics),
    ]
    caption = "Retrieval metrics over all questions, those without hits included"
    tables = [table("retrieval", caption, columns, runs), coverage(experiment, rows)]
    return Section("retrieval", "Retrieval", tables=[found for found in tables if found.rows])


def run(dataset: str, retriever: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row of retrieval metrics."""
    row: dict[str, Any] = {**found, "dataset": dataset, "retriever": retriever}
    for name, value in found.get("metrics", {}).items():
        row[name] = value.get("mean")
        row |= {f"{name}_{end}": value.get(end) for end in ("low", "high")}
    return {"metrics": [], **row}


def by_cutoff(name: str) -> tuple[str, int]:
    """Return what a metric is sorted by: recall@5 stands before recall@10."""
    stem, _, cutoff = name.partition("@")
    return stem, int(cutoff) if cutoff.isdigit() else 0


def label(name: str) -> str:
    """Return a metric's heading: has_answer@5 is Has answer@5."""
    stem, _, cutoff = name.partition("@")
    return LABELS.get(stem, stem) + (f"@{cutoff}" if cutoff else "")


def coverage(experiment: Experiment, rows: Rows) -> Any:
    """Return the share of prompts that hold an answer beside the recall of each model."""
    columns = [
        DATASET,
        MODE,
        MODEL,
        Column("has_answer", "Context has answer", "share"),
        Column(
            experiment.primary,
            "Recall" if experiment.primary == "token_recall" else "Mean",
            "share",
            estimate=True,
        ),
    ]
    known = [row for row in rows if row["has_answer"] is not None]
    caption = "What stands in the prompt, and what comes out"
    return table("coverage", caption, columns, known, "dataset", "mode")
