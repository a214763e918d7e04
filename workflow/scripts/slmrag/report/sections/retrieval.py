"""The section on retrieval: what the retrievers found, beside what the models made of it."""

from collections.abc import Callable, Mapping
from typing import Any

from slmrag.data.gold_match import RELATIONS
from slmrag.report.analysis.comparison import prompt_coverage
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.tables import DATASET, MODE, MODEL, Column, Rows, Section, Table, make_table

RETRIEVAL_LABELS = {
    "has_answer": "Has answer",
    "gold_recall": "Gold recall",
    "ndcg": "nDCG",
    "mrr": "MRR",
    "gold_in_chunk": "Hit holds gold",
    "chunk_of_gold": "Hit part of gold",
}
GOLD_INTRO = (
    "A hit is gold if it has the id of one of the question's gold passages, or else the same text "
    "(Unicode NFC, white space as single spaces; titles are not compared). A gold passage counts "
    "once, at its first hit. Gold recall, MRR and nDCG are over the questions of which the corpus "
    "has a gold passage."
)
GOLD_COLUMNS = (
    Column("with_gold", "Questions with gold", "count"),
    Column("gold_scored", "in the corpus", "count", "Of which the corpus has a gold passage"),
    Column("gold_passages", "Gold passages", "count"),
    Column("gold_by_id", "by id", "count", "The corpus has a passage of that id"),
    Column("gold_by_text", "by text alone", "count", "The corpus has a passage of that text"),
    Column("gold_other_text", "id, other text", "count", "Of those by id: the texts differ"),
    Column("gold_chunked", "in chunks", "count", "The id is of a document that was cut"),
)
RUN_COLUMNS = (DATASET, Column("retriever", "Retriever"))


def retrieval_section(experiment: Experiment, rows: Rows) -> Section:
    """Return the tables of the retrievers' metrics, of gold, and of coverage against recall."""
    runs = [run_row(*key, found) for key, found in experiment.retrieval.items()]
    gold = [found for found in runs if found.get("with_gold")]
    tables = [metrics_table(runs), gold_table(gold), coverage_table(experiment, rows)]
    kept = [found for found in tables if found.rows]
    return Section("retrieval", "Retrieval", [GOLD_INTRO] if gold else [], tables=kept)


def metrics_table(runs: Rows) -> Table:
    """Return the retrievers' metrics, those too that are known of none of them."""
    columns = [
        *RUN_COLUMNS,
        Column("questions", "Questions", "count"),
        Column("without_hits", "Without hits", "count"),
        *metric_columns(runs, lambda name: not is_relation(name)),
    ]
    caption = "Retrieval metrics over all questions, those without hits included"
    return make_table("retrieval", caption, columns, runs)


def gold_table(runs: Rows) -> Table:
    """Return what the corpora have of the gold, and which questions have a hit that is near it."""
    columns = [*RUN_COLUMNS, *GOLD_COLUMNS, *metric_columns(runs, is_relation)]
    note = (
        "Hit holds gold: one of the first k hits is gold, or a whole gold text stands in it. Hit "
        "part of gold: one of them is gold, or a piece of a gold passage. Both are over all "
        "questions with gold, and told where the corpus lacks some of it."
    )
    caption = "Gold passages in the corpus, and hits that hold gold or are pieces of it"
    shown = any(is_relation(name) for row in runs for name in row["metrics"])
    return make_table("gold", caption, columns, runs, note=note if shown else "")


def metric_columns(runs: Rows, chosen: Callable[[str], bool]) -> list[Column]:
    """Return the columns of the chosen metrics; one that is null in all runs is shown as such."""
    names = {name for row in runs for name in row["metrics"] if chosen(name)}
    return [
        Column(name, metric_label(name), "share", estimate=True, always=True)
        for name in sorted(names, key=by_cutoff)
    ]


def is_relation(name: str) -> bool:
    """Tell whether a metric is of hits that hold gold or are pieces of it."""
    return name.partition("@")[0] in RELATIONS


def run_row(dataset: str, retriever: str, found: Mapping[str, Any]) -> dict[str, Any]:
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


def metric_label(name: str) -> str:
    """Return a metric's heading: has_answer@5 is Has answer@5."""
    stem, _, cutoff = name.partition("@")
    return RETRIEVAL_LABELS.get(stem, stem) + (f"@{cutoff}" if cutoff else "")


def coverage_table(experiment: Experiment, rows: Rows) -> Table:
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
    known = prompt_coverage(rows)
    caption = "What stands in the prompt, and what comes out"
    return make_table("coverage", caption, columns, known, "dataset", "mode")
