"""Retrieve each question's passages, and measure their relevance."""

import logging
from pathlib import Path

import polars as pl
from slmrag.data.passages import size
from slmrag.files import write_json, write_table
from slmrag.indexing.index_folder import build_settings, check_index
from slmrag.job import events
from slmrag.job.run import run_job
from slmrag.models.text_limits import tracked_counts
from slmrag.retrieval import retriever
from slmrag.retrieval.metrics import summarize
from slmrag.retrieval.relevance import annotate, read_hits
from slmrag.scoring.bootstrap import intervals_95

log = logging.getLogger(__name__)


def main(input, output, params):
    """Write the hits of one retriever for one data set, and their metrics."""
    questions = pl.read_parquet(input.questions)
    with events.component("retriever"):
        hits = find_hits(input, params, questions)
    table, relevance = annotate(hits, questions, Path(input.passages))
    about = {"retriever": dict(params.entry), "facts": dict(hits.facts)}
    about["passages"] = size(input.passages)
    summary = summarize(relevance, params.entry["depth"], intervals_95) | about
    write_table(table, output.hits)
    write_json(summary, output.metrics)
    for reason in {value["reason"] for value in summary["metrics"].values() if "reason" in value}:
        log.warning("gold metrics are not known: %s", reason)
    if summary["without_hits"] == len(questions) > 0:
        log.warning(
            "no question has a hit: the passages hold no word of any; are they in one language and "
            "script (audit.json, `scripts`), and does the retriever's tokenizer split it?"
        )
    means = {name: value["mean"] for name, value in summary["metrics"].items()}
    known = {name: mean for name, mean in means.items() if mean is not None}
    asked = {"questions": len(questions), "without_hits": summary["without_hits"]}
    return asked | tracked_counts(hits.facts) | known


def find_hits(input, params, questions):
    """Search the retriever's own index, or combine the hits of others."""
    entry, kind, passages = params.entry, retriever(params.entry["kind"]), Path(input.passages)
    checkpoint = next(iter(input.encoder), None)
    settings = {**getattr(kind, "SEARCH", {}), **entry, **params.hardware, "checkpoint": checkpoint}
    texts, depth = questions["question"].to_list(), entry["depth"]
    if hasattr(kind, "combine"):
        runs = [read_hits(path, questions, passages) for path in input.hits]
        return kind.combine(runs, texts, passages, depth, settings)
    index, built = Path(input.index[0]), build_settings(entry, kind.BUILD)
    about = check_index(index, built, passages)
    return kind.search(index, texts, depth, settings | built | {"about": about})


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
