"""What counts as a gold passage, and what the metrics make of it, against a definition by hand."""

import unicodedata
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.data.gold_join import GoldJoin, possible_heads, text_head
from slmrag.data.gold_match import (
    distinct_gold,
    document_of_chunk,
    gold_rank,
    holds_gold,
    normalized_text,
    passage_keys,
    piece_of_gold,
)
from slmrag.data.schemas import QUESTIONS
from slmrag.retrieval.hits import Hits
from slmrag.retrieval.metrics import gold_metrics, summarize
from slmrag.retrieval.relevance import annotate
from slmrag.scoring.bootstrap import intervals_95


def passage(id: str, text: str, title: str = "") -> dict[str, str]:
    """Return a passage."""
    return {"id": id, "title": title, "text": text}


PARIS = passage("p1", "Paris is the capital of France.")


@pytest.mark.parametrize(
    ("shown", "rank"),
    [
        (passage("p1", "another text"), 1),
        (passage("x", " Paris is\n the capital\u00a0of France. "), 1),
        (passage("x", PARIS["text"], "another title"), 1),
        (passage("x", "paris is the capital of france."), None),
        (passage("x", "So: Paris is the capital of France."), None),
        (passage("", ""), None),
    ],
)
def test_gold_is_known_by_id_or_else_by_text(shown: dict[str, str], rank: int | None) -> None:
    """White space and title do not count; case does, and holding the text is not being it."""
    assert gold_rank([shown], [PARIS]) == rank


def test_an_accent_is_written_in_two_ways() -> None:
    """A text in NFD is the text in NFC."""
    text = "Bogot\u00e1 is the capital of Colombia."
    assert gold_rank([passage("a", unicodedata.normalize("NFD", text))], [passage("", text)]) == 1


def test_nothing_is_equal_to_nothing() -> None:
    """Neither an empty id nor an empty text makes two passages one."""
    assert gold_rank([passage("", ""), passage("", " ")], [passage("", "")]) is None


def test_gold_that_is_given_twice_is_one() -> None:
    """Entries that share an id or a text, also by way of a third, are one gold passage."""
    gold = [passage("1", "a"), passage("2", "b"), passage("1", "b "), passage("3", "c")]
    assert distinct_gold(gold) == [gold[0], gold[3]]


def test_holding_gold_and_being_a_piece_of_it() -> None:
    """A chunk around the gold text holds it; a chunk out of a gold document is a piece of it."""
    gold = [passage("f.md", "Paris is old. It lies on the Seine.")]
    holds, piece = holds_gold(gold), piece_of_gold(gold)
    assert holds("x", "So: Paris is old.\nIt lies on the Seine. Yes.")
    assert not holds("x", "It lies on the Seine.")
    assert piece("x", "It lies  on the Seine.")
    assert piece("f.md#12", "other words")
    assert not piece("f.md#a", "other words")
    assert not piece("x", "")
    assert holds("f.md", "") and piece("f.md", "")


def test_the_document_of_a_chunk() -> None:
    """Only what follows the last # is the chunk's number."""
    assert document_of_chunk("a#1#2") == "a#1"
    assert (document_of_chunk("a"), document_of_chunk("a#b"), document_of_chunk("a#")) == (
        "",
        "",
        "",
    )


tricky = st.text(
    st.sampled_from(list("ab \n\t\u00a0\u2000\x1c\x1f\u200b\u0301\u00e1é한")), max_size=9
)


@settings(deadline=None)
@given(tricky)
def test_no_text_that_is_equal_is_ruled_out(text: str) -> None:
    """What rules most passages out lets each way to write a text in normal form pass."""
    ways = [text, normalized_text(text), unicodedata.normalize("NFD", text)]
    found = pl.DataFrame({"text": ways}).select(text_head()).to_series()
    allowed = possible_heads([normalized_text(text)]).to_list() if normalized_text(text) else [None]
    assert set(found) <= set(allowed)


ids = st.sampled_from(["", "p0", "p1", "p2", "p3", "d"])
texts = st.sampled_from(
    ["", "a", "b ", "b", "a  b c d e", "a b c d e", "a b c d f", "é", "e\u0301"]
)
golds = st.lists(st.builds(passage, ids, texts), max_size=4)


@settings(deadline=None, max_examples=200)
@given(st.lists(texts, min_size=1, max_size=6), st.lists(golds, min_size=1, max_size=3), st.data())
def test_each_gold_passage_counts_once(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: list[str],
    gold: list[list[dict[str, str]]],
    data: st.DataObject,
) -> None:
    """Recall and nDCG never exceed 1; the first gold hit is where the context sees it."""
    path = write(tmp_path_factory.getbasetemp() / "corpus.parquet", corpus)
    orders = [data.draw(st.permutations(range(len(corpus)))) for _ in gold]
    hits = Hits.of((order, np.arange(len(order))[::-1]) for order in orders)
    _, relevance = annotate(hits, asked(gold), path)
    found = gold_metrics(relevance, 5)
    assert all((values >= 0).all() and (values <= 1 + 1e-12).all() for values in found.values())
    shown = [[passage(f"p{row}", corpus[row]) for row in order] for order in orders]
    ranks = [gold_rank(*pair) for pair in zip(shown, gold, strict=True)]
    assert found["mrr"].tolist() == [1 / rank if rank else 0 for rank in ranks]
    whole = gold_metrics(relevance, 10)["gold_recall@10"]
    there = relevance.gold_in_corpus / np.maximum(relevance.gold_passages, 1)
    assert whole.tolist() == there.tolist()


@settings(deadline=None)
@given(st.lists(texts, min_size=1, max_size=6), golds)
def test_what_the_corpus_has(corpus: list[str], gold: list[dict[str, str]]) -> None:
    """The passages found are just those that share an id or a text with a gold entry."""
    join, rows = GoldJoin([gold]), [passage(f"p{row}", text) for row, text in enumerate(corpus)]
    join.add(pl.DataFrame(rows))
    wanted = {key for one in gold for key in passage_keys(one)}
    found = join.results()[0]
    assert set(found.places) == {
        row["id"] for row in rows if not wanted.isdisjoint(passage_keys(row))
    }
    assert found.in_corpus == len(set(found.places.values())) <= found.passages


def write(path: Path, texts: list[str], ids: list[str] | None = None) -> Path:
    """Write texts as passages p0, p1, ..., or of the given ids."""
    named = ids or [f"p{row}" for row in range(len(texts))]
    pl.DataFrame({"id": named, "title": [""] * len(texts), "text": texts}).write_parquet(path)
    return path


def asked(gold: list[list[dict[str, str]]]) -> pl.DataFrame:
    """Return a question for each list of gold passages."""
    rows = [
        {"question_id": f"q{n}", "question": "?", "answers": ["x"], "gold": own}
        for n, own in enumerate(gold)
    ]
    return pl.DataFrame(rows, schema=QUESTIONS)


def measured(
    path: Path, gold: list[list[dict[str, str]]], *rows: list[int], depth: int = 5
) -> dict:
    """Return the summary of hits, a list of the corpus's rows a question."""
    hits = Hits.of((own, np.arange(len(own))[::-1]) for own in rows)
    return summarize(annotate(hits, asked(gold), path)[1], depth, intervals_95)


def means(summary: dict) -> dict[str, float | None]:
    """Return the metrics' means."""
    return {name: value["mean"] for name, value in summary["metrics"].items()}


def test_gold_without_an_id_is_found_by_its_text(tmp_path: Path) -> None:
    """The README's layout of gold, question_id and text, has real metrics."""
    path = write(tmp_path / "p.parquet", ["Oslo", PARIS["text"]], ["b.md", "a.md"])
    summary = measured(path, [[passage("", PARIS["text"] + "\n")]], [1, 0])
    assert means(summary)["gold_recall@1"] == means(summary)["mrr"] == 1
    assert (summary["gold_by_id"], summary["gold_by_text"], summary["gold_in_corpus"]) == (0, 1, 1)
    assert "gold_in_chunk@1" not in summary["metrics"]


def test_a_text_that_stands_twice_is_found_once(tmp_path: Path) -> None:
    """Its second hit adds nothing to recall or nDCG."""
    path = write(tmp_path / "p.parquet", ["same", "same", "other"])
    summary = measured(path, [[passage("p0", "same"), passage("", "other")]], [1, 0, 2])
    assert summary["gold_passages"] == 2
    assert means(summary)["gold_recall@1"] == 0.5
    assert means(summary)["gold_recall@5"] == 1
    ideal = 1 + 1 / np.log2(3)
    assert means(summary)["ndcg@5"] == pytest.approx((1 + 1 / np.log2(4)) / ideal)


def test_two_ways_to_name_one_passage(tmp_path: Path) -> None:
    """An entry by id and one by text that are the same passage of the corpus count once."""
    path = write(tmp_path / "p.parquet", ["a", "b"])
    summary = measured(path, [[passage("p0", ""), passage("", "a")]], [0])
    assert (summary["gold_passages"], means(summary)["ndcg@1"]) == (1, 1)


def test_gold_that_the_corpus_does_not_have_at_all(tmp_path: Path) -> None:
    """Every gold metric is null, with the reason; what holds gold or is a piece of it is told."""
    chunks = ["Paris is the", "capital of France.", "Oslo"]
    path = write(tmp_path / "p.parquet", chunks, ["f.md#0", "f.md#1", "g.md#0"])
    by_id = measured(path, [[passage("f.md", PARIS["text"])]], [2, 1])
    assert means(by_id)["gold_recall@1"] is means(by_id)["mrr"] is means(by_id)["ndcg@5"] is None
    reason = "no gold passage is in the corpus, by id or by text"
    assert by_id["metrics"]["mrr"]["reason"] == f"{reason} (documents that it has in chunks: 1)"
    assert (by_id["gold_scored"], by_id["gold_chunked"]) == (0, 1)
    assert (means(by_id)["chunk_of_gold@1"], means(by_id)["chunk_of_gold@5"]) == (0, 1)
    by_text = measured(path, [[passage("", PARIS["text"])]], [2, 1])
    assert means(by_text)["chunk_of_gold@5"] == 1
    assert means(by_text)["gold_in_chunk@5"] == 0


def test_gold_that_stands_inside_a_chunk(tmp_path: Path) -> None:
    """It is not gold recall, and has a name of its own."""
    path = write(tmp_path / "p.parquet", [f"So: {PARIS['text']} Yes.", "Oslo"])
    summary = measured(path, [[passage("", PARIS["text"])]], [0])
    assert means(summary)["gold_recall@1"] is None
    assert means(summary)["gold_in_chunk@1"] == 1


def test_a_question_whose_gold_is_not_there_is_no_zero(tmp_path: Path) -> None:
    """Gold metrics are over the others; half of the gold that is there is half of it."""
    path = write(tmp_path / "p.parquet", ["a", "b"])
    gold = [[passage("p0", "a"), passage("", "far")], [passage("", "away")], []]
    summary = measured(path, gold, [0], [1], [1])
    assert (summary["with_gold"], summary["gold_scored"]) == (2, 1)
    assert means(summary)["gold_recall@1"] == 0.5
    assert means(summary)["gold_in_chunk@1"] == 0.5


def test_an_id_of_another_text_is_counted(tmp_path: Path) -> None:
    """The id counts, and the metrics say how many gold passages have another text."""
    path = write(tmp_path / "p.parquet", ["cut anew", "b"])
    summary = measured(path, [[passage("p0", "as it was")], [passage("p1", "")]], [0], [1])
    assert means(summary)["gold_recall@1"] == 1
    assert (summary["gold_by_id"], summary["gold_other_text"]) == (2, 1)
