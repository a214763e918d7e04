"""The section on retrieval: the retrievers' metrics, and the models' scores with them."""

from collections.abc import Callable, Mapping
from typing import Any

from slmrag.data.gold_match import RELATION_TESTS
from slmrag.report.analysis.comparison import prompt_coverage
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.labels import METRIC_LABELS
from slmrag.report.page.tables import DATASET, MODE, MODEL, Column, Rows, Section, Table, make_table

RETRIEVAL_LABELS = {
    "has_answer": "Has answer",
    "gold_recall": "Gold recall",
    "ndcg": "nDCG",
    "mrr": "MRR",
    "gold_in_chunk": "Hit contains gold",
    "chunk_of_gold": "Hit is part of gold",
}
GOLD_INTRO = (
    "A hit is gold if it has the id of one of the question's gold passages, or the same text "
    "(Unicode NFC, white space as single spaces; titles are not compared). Each gold passage "
    "counts once, at its first hit. Gold recall, MRR and nDCG are computed over the questions that "
    "have a gold passage in the corpus."
)
GOLD_COLUMNS = (
    Column("with_gold", "Questions with gold", "count"),
    Column("gold_scored", "In the corpus", "count", "Questions with a gold passage in the corpus"),
    Column("gold_passages", "Gold passages", "count"),
    Column("gold_by_id", "By id", "count", "The corpus has a passage with this id"),
    Column("gold_by_text", "By text only", "count", "The corpus has a passage with this text"),
    Column("gold_other_text", "Other text", "count", "Of those by id: the texts differ"),
    Column("gold_chunked", "In chunks", "count", "The id is of a document that was split"),
)
RUN_COLUMNS = (DATASET, Column("retriever", "Retriever"))


def retrieval_section(experiment: Experiment, rows: Rows) -> Section:
    """Return the tables of the retrievers' metrics, of gold, and of coverage against recall."""
    known = experiment.retrieval.items()
    runs = [run_row(dataset, retriever, found) for (dataset, retriever), found in known]
    gold = [found for found in runs if found.get("with_gold")]
    tables = [metrics_table(runs), gold_table(gold), coverage_table(experiment, rows)]
    kept = [found for found in tables if found.rows]
    return Section("retrieval", "Retrieval", [GOLD_INTRO] if gold else [], tables=kept)


def metrics_table(runs: Rows) -> Table:
    """Return the retrievers' metrics, also those that are unknown for all of them."""
    columns = [
        *RUN_COLUMNS,
        Column("questions", "Questions", "count"),
        Column("without_hits", "Without hits", "count"),
        *metric_columns(runs, lambda name: not is_relation(name)),
    ]
    caption = "Retrieval metrics over all questions, including those without hits"
    return make_table("retrieval", caption, columns, runs)


def gold_table(runs: Rows) -> Table:
    """Return the gold passages in the corpora, and the hits that contain gold or are part of it."""
    columns = [*RUN_COLUMNS, *GOLD_COLUMNS, *metric_columns(runs, is_relation)]
    note = (
        "Hit contains gold: one of the first k hits is gold, or contains a whole gold text. Hit is "
        "part of gold: one of them is gold, or a part of a gold passage. Both are computed over "
        "all questions with gold, and shown if the corpus lacks some of it."
    )
    caption = "Gold passages in the corpus, and hits that contain gold or are part of it"
    shown = any(is_relation(name) for row in runs for name in row["metrics"])
    return make_table("gold", caption, columns, runs, note=note if shown else "")


def metric_columns(runs: Rows, chosen: Callable[[str], bool]) -> list[Column]:
    """Return the columns of the chosen metrics; one that is null in all runs is shown as such."""
    names = {name for row in runs for name in row["metrics"] if chosen(name)}
    return [
        Column(name, metric_label(name), "share", estimate=True, always=True)
        for name in sorted(names, key=cutoff_sort_key)
    ]


def is_relation(name: str) -> bool:
    """Tell whether a metric is of hits that contain gold or are part of it."""
    return name.partition("@")[0] in RELATION_TESTS


def run_row(dataset: str, retriever: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row of retrieval metrics."""
    row: dict[str, Any] = {**found, "dataset": dataset, "retriever": retriever}
    for name, value in found.get("metrics", {}).items():
        row[name] = value.get("mean")
        row |= {f"{name}_{end}": value.get(end) for end in ("low", "high")}
    return {"metrics": [], **row}


def cutoff_sort_key(name: str) -> tuple[str, int]:
    """Return the sort key of a metric: recall@5 comes before recall@10."""
    stem, _, cutoff = name.partition("@")
    return stem, int(cutoff) if cutoff.isdigit() else 0


def metric_label(name: str) -> str:
    """Return a metric's heading: Has answer@5 for has_answer@5."""
    stem, _, cutoff = name.partition("@")
    return RETRIEVAL_LABELS.get(stem, stem) + (f"@{cutoff}" if cutoff else "")


def coverage_table(experiment: Experiment, rows: Rows) -> Table:
    """Return what the prompts contain, whether it has an answer, and each model's score."""
    columns = [
        DATASET,
        MODE,
        MODEL,
        Column("passages_in_prompt", "Passages in prompt", "decimal", "Mean"),
        Column("shortened_share", "Prompts shortened", "percent", "To fit the model"),
        Column("has_answer", "Context has answer", "share", "The context in the prompt"),
        Column("has_answer_uncut", "Before shortening", "share", "All passages of the mode"),
        Column(experiment.primary, METRIC_LABELS[experiment.primary], "share", estimate=True),
    ]
    known = prompt_coverage(rows)
    caption = "What the prompts contain, and the resulting score"
    return make_table("coverage", caption, columns, known, "dataset", "mode")
