"""Join hits with the corpus and the references, in one pass over the corpus."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from slmrag.has_answer import matcher
from slmrag.progress import bar
from slmrag.retrieval_metrics import Relevance
from slmrag.retrievers import corpus
from slmrag.retrievers.hits import Hits

Array = np.ndarray


def annotate(hits: Hits, questions: pl.DataFrame, passages: Path) -> tuple[pl.DataFrame, Relevance]:
    """Return the table of hits (question_id, rank, passage_id, score) and what is relevant in it.

    Texts are seen a block at a time, so memory grows with the number of hits alone.
    """
    ids, answered = _seen(hits, questions["answers"].to_list(), passages)
    wanted = gold(questions, passages)
    table = pl.DataFrame(
        {
            "question_id": questions["question_id"].gather(hits.question),
            "rank": pl.Series(hits.rank, dtype=pl.Int32),
            "passage_id": ids,
            "score": pl.Series(hits.score, dtype=pl.Float64),
        }
    )
    found = pl.DataFrame({"question": hits.question, "id": ids})
    is_gold = found.join(wanted, on=["question", "id"], how="left", maintain_order="left")
    return table, Relevance(
        hits.question,
        hits.rank,
        answered,
        is_gold["in_corpus"].is_not_null().to_numpy(),
        _by_question(wanted, len(questions)),
        _by_question(wanted.filter("in_corpus"), len(questions)),
    )


def gold(questions: pl.DataFrame, passages: Path) -> pl.DataFrame:
    """Return (question row, gold passage id, whether the corpus has it), without doubles."""
    wanted = (
        questions.select(pl.col("gold").list.eval(pl.element().struct.field("id")).alias("id"))
        .with_row_index("question")
        .select(pl.col("question").cast(pl.Int64), "id")
        .explode("id")
        .drop_nulls()
        .unique(maintain_order=True)
    )
    there = pl.scan_parquet(passages).select("id").join(wanted.lazy(), on="id", how="semi")
    return wanted.with_columns(in_corpus=pl.col("id").is_in(there.collect()["id"].implode()))


def _by_question(wanted: pl.DataFrame, total: int) -> Array:
    return np.bincount(wanted["question"].to_numpy(), minlength=total)


def _seen(hits: Hits, answers: list[list[str]], passages: Path) -> tuple[pl.Series, Array]:
    """Return each hit's passage id, and whether the passage's text holds an answer."""
    matchers = [matcher(references) for references in answers]
    answered = np.zeros(len(hits), dtype=bool)
    ids, order = [], np.argsort(hits.passage, kind="stable")
    with bar(total=len(hits), desc="has answer", unit="hit", unit_scale=True) as progress:
        for places, block, rows in _blocks(hits.passage[order], passages):
            texts, places = block["text"].to_list(), order[places]
            for place, row in zip(places.tolist(), rows.tolist(), strict=True):
                answered[place] = matchers[hits.question[place]](texts[row])
            ids.append(block["id"].gather(rows))
            progress.update(len(places))
    found = pl.concat(ids) if ids else pl.Series("id", [], pl.String)
    return found.gather(np.argsort(order)), answered


def _blocks(rows: Array, passages: Path) -> Iterator[tuple[slice, pl.DataFrame, Array]]:
    """Yield for each block of the corpus: which of the sorted rows it has, itself, rows in it."""
    first = 0
    for block in corpus.blocks(passages, "id", "text"):
        low, high = np.searchsorted(rows, [first, first + len(block)])
        if high > low:
            yield slice(low, high), block, rows[low:high] - first
        first += len(block)
