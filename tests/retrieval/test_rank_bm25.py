"""BM25 over postings against rank_bm25's formulas written out as loops."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.errors import UserError
from slmrag.indexing import postings
from slmrag.indexing.analyzer import analyzer
from slmrag.retrieval import rank_bm25
from slmrag.retrieval.bm25_formulas import VARIANTS

CORPUS = ["a b a", "", "b c b c", "c", "a a a a d", "b"]


def indexed(folder: Path, texts: list[str], split: int = 2) -> postings.Postings:
    """Return the postings of texts that came in blocks."""
    folder.mkdir(exist_ok=True)
    blocks = [texts[i : i + split] for i in range(0, len(texts), split)]
    postings.write_postings(blocks, len(texts), analyzer("whitespace"), folder)
    return postings.Postings.open(folder)


def okapi_score(texts: list[str], query: str, row: int, k1: float, b: float) -> float:
    """Return rank_bm25's okapi score of one passage, term by term."""
    split = [text.split() for text in texts]
    mean = sum(map(len, split)) / len(split)
    idf: dict[str, float] = {}
    for term in dict.fromkeys(term for words in split for term in words):
        n = sum(term in words for words in split)
        idf[term] = math.log(len(split) - n + 0.5) - math.log(n + 0.5)
    total = 0.0
    for value in idf.values():
        total += value
    floor = 0.25 * (total / len(idf))
    score = 0.0
    for term in query.split():
        weight = idf.get(term, 0.0)
        tf = split[row].count(term)
        norm = k1 * (1 - b + b * len(split[row]) / mean)
        score += (weight if weight >= 0 else floor) * (tf * (k1 + 1) / (tf + norm))
    return score


@pytest.mark.parametrize("split", [1, 2, 6])
def test_postings_do_not_depend_on_blocks(tmp_path: Path, split: int) -> None:
    """However the corpus is cut into blocks, each term has the same passages and counts."""
    inverted = indexed(tmp_path / "i", CORPUS, split)
    numbers = inverted.numbers("abcdx")
    assert numbers == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert inverted.passages[inverted.offsets[1] : inverted.offsets[2]].tolist() == [0, 2, 5]
    assert inverted.counts[inverted.offsets[1] : inverted.offsets[2]].tolist() == [1, 2, 1]
    assert inverted.lengths.tolist() == [3, 0, 4, 1, 5, 1]
    assert not list((tmp_path / "i").glob("block*"))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text("abcdef ", max_size=12), min_size=1, max_size=12),
    st.lists(st.sampled_from("abcdefgh"), max_size=6),
)
def test_scores_are_rank_bm25s(tmp_path_factory, texts: list[str], query: list[str]) -> None:
    """Every hit has rank_bm25's score to the last bit, best first and ties by lower row."""
    if not any(text.split() for text in texts):
        return
    index = tmp_path_factory.mktemp("i")
    indexed(index, texts)
    params = {"tokenizer": "whitespace", "stopwords": "none"}
    hits = rank_bm25.search(index, [" ".join(query)], 100, params)
    holding = [row for row, text in enumerate(texts) if set(text.split()) & set(query)]
    scores = {row: okapi_score(texts, " ".join(query), row, 1.5, 0.75) for row in holding}
    expected = sorted(holding, key=lambda row: (-scores[row], row))
    assert hits.passage.tolist() == expected
    assert hits.score.tolist() == [scores[row] for row in expected]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_cut_keeps_the_best(tmp_path: Path, variant: str) -> None:
    """The first k hits of a deep search are the hits of a search of depth k."""
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{n}" for n in rng.zipf(1.5, 12)) for _ in range(3_000)]
    indexed(tmp_path / "i", texts, 500)
    params = {"tokenizer": "whitespace", "stopwords": "none", "variant": variant}
    questions = ["w1 w2 w9", "w3 w3 w40", "w2"]
    deep = rank_bm25.search(tmp_path / "i", questions, 3_000, params)
    short = rank_bm25.search(tmp_path / "i", questions, 5, params)
    first = deep.rank <= 5
    assert short.passage.tolist() == deep.passage[first].tolist()
    assert short.score.tolist() == deep.score[first].tolist()


@pytest.mark.parametrize("question", ["", "unknown words", "?!"])
def test_no_term_no_hit(tmp_path: Path, question: str) -> None:
    """A question that shares no term with the corpus has no hits."""
    indexed(tmp_path / "i", CORPUS)
    params = {"tokenizer": "words", "stopwords": "none"}
    assert len(rank_bm25.search(tmp_path / "i", [question], 5, params)) == 0


@pytest.mark.parametrize(
    "wrong", [{"k1": 0}, {"k1": -1}, {"b": 1.5}, {"b": -0.1}, {"variant": "okapy"}]
)
def test_parameters_out_of_range(wrong: dict) -> None:
    """A parameter out of range is refused by name."""
    with pytest.raises(UserError, match=next(iter(wrong))):
        rank_bm25.variant_and_weights(wrong)
