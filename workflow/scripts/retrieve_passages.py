"""Find each question's passages, and measure how many are worth finding."""

from pathlib import Path

import polars as pl
from slmrag.files import write_json, write_table
from slmrag.job import run_job
from slmrag.retrieval_metrics import summarise
from slmrag.retrievers import retriever
from slmrag.retrievers.relevance import annotate
from slmrag.retrievers.store import check, resolved


def main(input, output, params):
    """Write the hits of one retriever for one data set, and their metrics."""
    questions = pl.read_parquet(input.questions)
    passages = Path(input.passages)
    hits = found(input, params, passages, questions["question"].to_list())
    table, relevance = annotate(hits, questions, passages)
    summary = summarise(relevance, params.entry["depth"]) | {"retriever": dict(params.entry)}
    write_table(table, output.hits)
    write_json(summary, output.metrics)
    means = {name: value["mean"] for name, value in summary["metrics"].items()}
    return {"questions": len(questions), "without_hits": summary["without_hits"]} | means


def found(input, params, passages, questions):
    """Search the retriever's own index, which must be of this corpus and entry."""
    entry, kind = params.entry, retriever(params.entry["kind"])
    index = Path(input.index[0])
    built = resolved(entry, kind.BUILD)
    about = check(index, built, passages)
    means = {"checkpoint": next(iter(input.encoder), None)} | params.hardware
    return kind.search(index, questions, entry["depth"], entry | built | means | {"about": about})


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
