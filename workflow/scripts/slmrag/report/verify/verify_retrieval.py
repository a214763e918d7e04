"""Measure the hits of a retriever again, and compare with what is written of them."""

from pathlib import Path

import polars as pl

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.verify.equality import same_table, same_tree
from slmrag.retrieval.metrics import summarize
from slmrag.retrieval.relevance import annotate, read_hits
from slmrag.scoring.bootstrap import intervals_95


def check(hits: str | Path, passages: str | Path, experiment: Experiment) -> int:
    """Return how many metrics were recomputed; UserError names the first that does not match."""
    hits, passages = Path(hits), Path(passages)
    dataset, retriever = hits.with_suffix("").parts[-2:]
    questions = pl.read_parquet(experiment.questions[dataset,])
    table, relevance = annotate(read_hits(hits, questions, passages), questions, passages)
    same_table(pl.read_parquet(hits), table, str(hits))
    written = experiment.retrieval[dataset, retriever]
    again = summarize(relevance, written["depth"], intervals_95)
    kept = {name: written.get(name) for name in again}
    same_tree(kept, again, str(hits.with_suffix(".json")))
    return len(again["metrics"])
