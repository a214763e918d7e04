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
    """Return what stood in the prompts, whether it held an answer, and each model's recall."""
    columns = [
        DATASET,
        MODE,
        MODEL,
        Column("passages_in_prompt", "Passages in prompt", "decimal", "Mean"),
        Column("shortened_share", "Prompts cut", "percent", "Passages or words left out to fit"),
        Column("has_answer", "Context has answer", "share", "What stood in the prompt"),
        Column("has_answer_uncut", "Before it was cut", "share", "All that was chosen for it"),
        Column(
            experiment.primary,
            "Recall" if experiment.primary == "token_recall" else "Mean",
            "share",
            estimate=True,
        ),
    ]
    known = [fitted(row) for row in rows if row["has_answer"] is not None]
    caption = "What stands in the prompt, and what comes out"
    return table("coverage", caption, columns, known, "dataset", "mode")


def fitted(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell with the share of its prompts that were cut; what they were, where any was."""
    cut = row["shortened"] or 0
    uncut = row["has_answer_uncut"] if cut else None
    return {**row, "shortened_share": cut / row["n"], "has_answer_uncut": uncut}
