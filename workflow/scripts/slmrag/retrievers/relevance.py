"""Join hits with the corpus and the references, in one pass over the corpus."""

from pathlib import Path

import numpy as np
import polars as pl

from slmrag.errors import UserError
from slmrag.has_answer import matcher
from slmrag.progress import bar
from slmrag.retrieval_metrics import Relevance
from slmrag.retrievers import corpus
from slmrag.retrievers.hits import Hits

Array = np.ndarray

_NONE = np.zeros(0, dtype=np.int64)


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


def read_hits(path: Path, questions: pl.DataFrame, passages: Path) -> Hits:
    """Return a table of hits as rows of its questions and of its corpus."""
    table = pl.read_parquet(path)
    rows = questions.select("question_id").with_row_index("row")
    asked = table.join(rows, on="question_id", how="left", maintain_order="left")["row"]
    if asked.null_count():
        raise UserError(f"{path}: has hits of questions that the data set does not have")
    passage = corpus.rows_of(table["passage_id"], passages)
    return Hits(asked.cast(pl.Int64).to_numpy(), passage, table["score"].to_numpy())


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
    answered, order, ids = (
        np.zeros(len(hits), dtype=bool),
        [_NONE],
        [pl.Series("id", [], pl.String)],
    )
    with bar(total=len(hits), desc="has answer", unit="hit", unit_scale=True) as progress:
        for places, found in corpus.parts(hits.passage, passages, "id", "text"):
            asked = hits.question[places]
            holds = [matchers[q](text) for q, text in zip(asked, found["text"], strict=True)]
            answered[places] = holds
            order.append(places)
            ids.append(found["id"])
            progress.update(len(places))
    return pl.concat(ids).gather(np.argsort(np.concatenate(order))), answered
