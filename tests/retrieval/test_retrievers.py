"""Index folders, exact vector search, and the two scripts on the kinds that need no model."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import index_passages
import numpy as np
import polars as pl
import pytest
import retrieve_passages
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.config.retrievers import RetrieverEntry
from slmrag.errors import UserError
from slmrag.files import atomic_folder, read_json, sha256_file
from slmrag.indexing import memory_estimate
from slmrag.models.transformer import batch_rows
from slmrag.retrieval import KINDS, retriever, top_k
from slmrag.retrieval.exact import search as exact

BM25 = {"kind": "rank_bm25", "depth": 3}
HASHING = {"kind": "dense", "encoder": "hashing", "depth": 3}
PASSAGE = pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String})
ENTRIES = get_args(get_args(RetrieverEntry)[0])
HARDWARE = {"gpus": 0, "threads": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a corpus of four passages and three questions about it."""
    pl.DataFrame(
        {
            "id": ["p1", "p2", "p3", "p4"],
            "title": ["Oslo", "Bergen", "", "Rome"],
            "text": ["Capital of Norway", "A rainy port of Norway", "Fish", "Capital of Italy"],
        }
    ).write_parquet(tmp_path / "passages.parquet")
    pl.DataFrame(
        {
            "question_id": ["q1", "q2", "q3"],
            "question": ["capital of norway", "zzz", "italy"],
            "answers": [["Norway"], ["nothing"], ["Paris"]],
            "gold": [
                [{"id": "p1", "title": "", "text": ""}],
                [],
                [{"id": "x", "title": "", "text": ""}],
            ],
        },
        schema_overrides={"gold": pl.List(PASSAGE)},
    ).write_parquet(tmp_path / "questions.parquet")
    return tmp_path


def build(folder: Path, entry: dict[str, Any]) -> dict[str, Any]:
    """Run index_passages."""
    return index_passages.main(
        SimpleNamespace(passages=folder / "passages.parquet", encoder=[]),
        SimpleNamespace(index=folder / "index", manifest=folder / "index.json"),
        SimpleNamespace(entry=entry, hardware=HARDWARE),
    )


def search(folder: Path, entry: dict[str, Any]) -> dict[str, Any]:
    """Run retrieve_passages."""
    return retrieve_passages.main(
        SimpleNamespace(
            passages=folder / "passages.parquet",
            questions=folder / "questions.parquet",
            index=[folder / "index"],
            encoder=[],
        ),
        SimpleNamespace(hits=folder / "hits.parquet", metrics=folder / "metrics.json"),
        SimpleNamespace(entry=entry, hardware=HARDWARE),
    )


@pytest.mark.parametrize("entry", [BM25, HASHING])
def test_the_passage_that_says_it_comes_first(folder: Path, entry: dict[str, Any]) -> None:
    """Both kinds rank the passage that shares all words of a question first."""
    build(folder, entry)
    search(folder, entry)
    hits = pl.read_parquet(folder / "hits.parquet")
    best = hits.filter(rank=1)
    assert hits.columns == ["question_id", "rank", "passage_id", "score"]
    assert dict(zip(best["question_id"], best["passage_id"], strict=True))["q1"] == "p1"


def test_scalars_keep_the_question_without_hits(folder: Path) -> None:
    """A question without hits has no row, is counted, and stays in the denominator."""
    build(folder, BM25)
    scalars = search(folder, BM25)
    assert scalars["without_hits"] == 1
    assert scalars["has_answer@1"] == pytest.approx(1 / 3)
    assert "q2" not in pl.read_parquet(folder / "hits.parquet")["question_id"]


def test_depth_above_the_corpus(folder: Path) -> None:
    """A depth above the number of passages gives all that there are."""
    build(folder, HASHING)
    search(folder, HASHING | {"depth": 50})
    assert pl.read_parquet(folder / "hits.parquet").height == 3 * 4


def test_search_keys_do_not_touch_the_index(folder: Path) -> None:
    """An index serves other values of k1, b and depth than it was built beside."""
    build(folder, BM25)
    search(folder, BM25 | {"k1": 0.9, "b": 0.4, "depth": 1})


def test_another_tokenizer_is_refused(folder: Path) -> None:
    """An index is not searched with another tokenizer than its own."""
    build(folder, BM25)
    with pytest.raises(UserError, match="tokenizer"):
        search(folder, BM25 | {"tokenizer": "whitespace"})


def test_another_kind_is_refused(folder: Path) -> None:
    """An index is not searched by another kind of retriever."""
    build(folder, BM25)
    with pytest.raises(UserError, match="kind"):
        search(folder, HASHING)


def test_another_corpus_is_refused(folder: Path) -> None:
    """An index is not searched beside another corpus than its own."""
    build(folder, BM25)
    corpus = pl.read_parquet(folder / "passages.parquet")
    corpus.reverse().write_parquet(folder / "passages.parquet")
    with pytest.raises(UserError, match="another corpus"):
        search(folder, BM25)


@pytest.mark.parametrize("name", ["passages.npy", "terms.parquet", "index.json"])
def test_a_broken_index_is_refused(folder: Path, name: str) -> None:
    """A file that is cut, by much or little, or missing is named."""
    build(folder, BM25)
    file = folder / "index" / name
    whole = file.read_bytes()
    for kept in (len(whole) - 3, len(whole) // 2, 1, 0):
        file.write_bytes(whole[:kept])
        with pytest.raises(UserError, match=name):
            search(folder, BM25)
    file.unlink()
    with pytest.raises(UserError, match=name):
        search(folder, BM25)


def test_an_index_names_what_it_was_built_from(folder: Path) -> None:
    """The settings, the corpus, its size, and the libraries stand in index.json."""
    build(folder, BM25)
    about = read_json(folder / "index/index.json")
    assert about["built"]["tokenizer"] == "words"
    assert about["passages"] == pl.read_parquet(folder / "passages.parquet").height
    assert about["passages_sha256"] == sha256_file(folder / "passages.parquet")
    assert about["versions"]["polars"] == pl.__version__


def test_no_term_anywhere(folder: Path) -> None:
    """A corpus without a single term is refused, and leaves no index."""
    corpus = pl.read_parquet(folder / "passages.parquet")
    corpus.with_columns(title=pl.lit(""), text=pl.lit("?!")).write_parquet(
        folder / "passages.parquet"
    )
    with pytest.raises(UserError, match="no passage has a term"):
        build(folder, BM25)
    assert not (folder / "index").exists()


def test_a_build_above_its_memory(folder: Path) -> None:
    """A build that needs more than the job's memory is refused, with another kind to use."""
    with pytest.raises(UserError, match=r"needs about .* GiB.*kind: lucene"):
        memory_estimate.check_memory(
            folder / "passages.parquet", str.split, 1, "bm25s", "lucene", {"mem_mb": 100}
        )
    needed = memory_estimate.check_memory(
        folder / "passages.parquet", str.split, 10, "x", "y", {"mem_mb": 1_000}
    )
    assert (
        needed == memory_estimate.BASE_BYTES + 10 * 15
    )  # pairs of passage and word in this corpus


@pytest.mark.parametrize(
    "question", ["the of and", "", "?!", " ".join(f"x{n}" for n in range(10_000))]
)
@pytest.mark.parametrize("entry", [BM25 | {"stopwords": "english"}, HASHING])
def test_awkward_questions(folder: Path, entry: dict[str, Any], question: str) -> None:
    """Only stop words, nothing, marks, or 10,000 words: the question is counted, not dropped."""
    questions = pl.read_parquet(folder / "questions.parquet")
    questions.with_columns(question=pl.lit(question)).write_parquet(folder / "questions.parquet")
    build(folder, entry)
    assert search(folder, entry)["questions"] == 3


@pytest.mark.parametrize("kind", [name for name in KINDS if hasattr(retriever(name), "BUILD")])
def test_the_config_knows_the_build_keys(kind: str) -> None:
    """What an index depends on is the same to its kind and to the config."""
    entries = {entry.model_fields["kind"].annotation.__args__[0]: entry for entry in ENTRIES}
    assert {"kind", *retriever(kind).BUILD} == entries[kind].BUILD


def test_the_config_knows_every_kind() -> None:
    """The kinds of the config are those of the registry."""
    assert {entry.model_fields["kind"].annotation.__args__[0] for entry in ENTRIES} == set(KINDS)


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    """A folder that could not be finished is not there, and nor is its temporary one."""
    with pytest.raises(ValueError, match="half"), atomic_folder(tmp_path / "index") as folder:
        (folder / "x").write_text("half")
        raise ValueError("half")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_has_a_hint() -> None:
    """A misspelt kind names the nearest one."""
    with pytest.raises(UserError, match="rank_bm25"):
        retriever("rank_bm52")
    assert set(KINDS) >= {"rank_bm25", "dense"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=400), st.integers(1, 30))
def test_top_is_a_stable_sort(values: list[int], depth: int) -> None:
    """The best of the scores are those of a whole sort, ties by lower row."""
    scores = np.array(values, dtype=float)
    rows, best = top_k.top(scores, depth)
    expected = np.lexsort((np.arange(len(scores)), -scores))[:depth]
    assert rows.tolist() == expected.tolist()
    assert best.tolist() == scores[expected].tolist()


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 3000), st.integers(1, 7), st.integers(1, 60), st.integers(0, 99), st.booleans()
)
def test_vector_search_is_exact(
    rows: int, questions: int, depth: int, seed: int, coarse: bool
) -> None:
    """Searching block by block equals sorting all products, ties by lower row."""
    rng = np.random.default_rng(seed)
    table = rng.integers(-2, 3, (rows, 4)) if coarse else rng.integers(-99, 99, (rows, 4))
    asked = rng.integers(-9, 9, (questions, 4)).astype(np.float32)
    products = asked @ table.T.astype(np.float32)  # small integers: exact in any order
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "PAIRS_PER_BLOCK", 512)
        found = exact.search(np.array_split(table.astype(np.float16), 3), asked, depth)
    for scores, (best, values) in zip(products, found, strict=True):
        expected = np.lexsort((np.arange(rows), -scores))[:depth]
        assert best.tolist() == expected.tolist()
        assert values.tolist() == scores[expected].tolist()


def test_batches_hold_every_row_once() -> None:
    """Each text is in one batch, long ones first, and a batch holds at most its tokens."""
    lengths = [5, 1, 9, 3, 100, 2]
    found = list(batch_rows(lengths, 10))
    assert sorted(row for batch in found for row in batch) == list(range(6))
    assert found[0] == [4]
    assert all(len(b) * max(lengths[r] for r in b) <= 10 or len(b) == 1 for b in found)
