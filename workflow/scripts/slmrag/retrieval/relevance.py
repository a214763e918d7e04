"""Joins hits with the corpus and the references, in one pass over the corpus."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from slmrag.data import passages as corpus
from slmrag.data.gold_join import GoldInCorpus, GoldJoin, count_gold
from slmrag.data.gold_match import RELATION_TESTS, Passage, PassageTest
from slmrag.data.has_answer import answer_matcher
from slmrag.errors import UserError
from slmrag.job.progress import bar
from slmrag.retrieval.hits import Hits
from slmrag.retrieval.metrics import Relevance

Array = np.ndarray
TestsByName = dict[str, list[PassageTest]]

_NO_PLACES = np.zeros(0, dtype=np.int64)


def annotate(hits: Hits, questions: pl.DataFrame, passages: Path) -> tuple[pl.DataFrame, Relevance]:
    """Return the table of hits (question_id, rank, passage_id, score) and their relevance.

    Texts are read a block at a time, so memory grows only with the number of hits.
    """
    gold = questions["gold"].to_list()
    found = GoldJoin(gold).read(passages).results()
    ids, seen = _test_passages(
        hits, relevance_tests(questions["answers"].to_list(), gold, found), passages
    )
    table = pl.DataFrame(
        {
            "question_id": questions["question_id"].gather(hits.question),
            "rank": pl.Series(hits.rank, dtype=pl.Int32),
            "passage_id": ids,
            "score": pl.Series(hits.score, dtype=pl.Float64),
        }
    )
    return table, Relevance(
        hits.question,
        hits.rank,
        seen.pop("has_answer"),
        first_gold(hits, ids, found),
        np.array([one.passages for one in found], dtype=np.int64),
        np.array([one.in_corpus for one in found], dtype=np.int64),
        seen,
        count_gold(found),
    )


def relevance_tests(
    answers: list[list[str]], gold: list[list[Passage]], found: list[GoldInCorpus]
) -> TestsByName:
    """Return for each name one test of passages per question.

    Whether a passage contains gold, or is part of it, is tested where the corpus lacks some gold.
    """
    holds = [answer_matcher(references) for references in answers]
    wanted: TestsByName = {"has_answer": [_text_test(one) for one in holds]}
    if any(one.in_corpus < one.passages for one in found):
        wanted |= {
            name: [relation(own) for own in gold] for name, relation in RELATION_TESTS.items()
        }
    return wanted


def _text_test(holds: Callable[[str], bool]) -> PassageTest:
    return lambda _, text: holds(text)


def first_gold(hits: Hits, ids: pl.Series, found: list[GoldInCorpus]) -> Array:
    """Return which hits are gold; each gold passage counts once, at its first hit."""
    is_gold, seen = np.zeros(len(hits), dtype=bool), set()
    for row, (question, id) in enumerate(zip(hits.question.tolist(), ids, strict=True)):
        place = question, found[question].places.get(id)
        if place[1] is not None and place not in seen:
            seen.add(place)
            is_gold[row] = True
    return is_gold


def read_hits(path: Path, questions: pl.DataFrame, passages: Path) -> Hits:
    """Return a table of hits as rows of its questions and of its corpus."""
    table = pl.read_parquet(path)
    rows = questions.select("question_id").with_row_index("row")
    asked = table.join(rows, on="question_id", how="left", maintain_order="left")["row"]
    if asked.null_count():
        raise UserError(f"{path}: has hits of questions that the data set does not have")
    passage = corpus.rows_of(table["passage_id"], passages)
    return Hits(asked.cast(pl.Int64).to_numpy(), passage, table["score"].to_numpy())


def _test_passages(
    hits: Hits, wanted: TestsByName, passages: Path
) -> tuple[pl.Series, dict[str, Array]]:
    """Return each hit's passage id, and whether the passage passes each of its question's tests."""
    passed = {name: np.zeros(len(hits), dtype=bool) for name in wanted}
    order, ids = [_NO_PLACES], [pl.Series("id", [], pl.String)]
    with bar(total=len(hits), desc="has answer", unit="hit", unit_scale=True) as progress:
        for places, found in corpus.rows_by_block(hits.passage, passages, "id", "text"):
            asked = hits.question[places].tolist()
            rows = list(zip(asked, found["id"], found["text"], strict=True))
            for name, own in wanted.items():
                passed[name][places] = [own[q](id, text) for q, id, text in rows]
            order.append(places)
            ids.append(found["id"])
            progress.update(len(places))
    return pl.concat(ids).gather(np.argsort(np.concatenate(order))), passed
