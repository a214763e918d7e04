"""What a model does not read of a text is counted, and no vector changes by it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import encode_passages
import index_passages
import numpy as np
import pytest
from slmrag.errors import UserError
from slmrag.files import read_json
from slmrag.indexing import vectors
from slmrag.models import encoder, text_limits
from slmrag.models.transformer import Transformer

from tests.models import tiny_encoders as models
from tests.retrieval.conftest import write_corpus, write_questions

pytestmark = pytest.mark.slow

pytest.importorskip("transformers")
SAME = "oslo is the capital of norway " * 20
TEXTS = [SAME + "fish", SAME + "rome", "bergen", "oslo " * 62, "oslo " * 63, "oslo " * 62 + "  \n "]
ENTRY = {"kind": "dense", "encoder": "encoder", "pooling": "mean", "depth": 3}
RERANK = {"kind": "rerank", "of": "x", "encoder": "x", "depth": 4}


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    """A random encoder with 64 positions."""
    return models.save(tmp_path_factory.mktemp("bert") / "encoder", "BertModel")


def read(facts: dict) -> list:
    """Return what was read, how many texts, how many cut, how many tokens, and who says so."""
    return [facts["reading"][name] for name in ("what", "texts", "cut", "longest", "source")]


def test_passages_and_questions_that_are_cut_are_counted(
    tmp_path: Path, run: Callable, bert: Path
) -> None:
    """Of 64 tokens two are special: 63 words are cut, 62 are not; two such texts are one vector."""
    write_corpus(tmp_path, TEXTS)
    write_questions(tmp_path, ["norway", "oslo " * 70])
    run(ENTRY, encoder=bert)
    positions = "the positions in the model's config.json"
    about = read_json(tmp_path / "index" / "index.json")
    assert read(about) == ["passages", 6, 3, 64, positions]
    assert read(read_json(tmp_path / "metrics.json")["facts"]) == ["questions", 2, 1, 64, positions]
    (found,) = vectors.vector_parts(tmp_path / "index")
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])


def test_a_prefix_and_a_title_are_read_too(tmp_path: Path, run: Callable, bert: Path) -> None:
    """What stands before a text takes its share of the tokens, and max_length sets the limit."""
    write_corpus(tmp_path, ["oslo rome bergen", "oslo"])
    write_questions(tmp_path, ["oslo rome bergen", "oslo"])
    run(ENTRY | {"max_length": 5, "query_prefix": "query : "}, encoder=bert)
    own = "the retriever's max_length"
    assert read(read_json(tmp_path / "index" / "index.json")) == ["passages", 2, 0, 5, own]
    facts = read_json(tmp_path / "metrics.json")["facts"]
    assert read(facts) == ["questions", 2, 1, 5, own] and facts["reading"]["most"] == 64


def test_shards_add_up(tmp_path: Path, bert: Path) -> None:
    """Passages that several jobs encode are counted as one job counts them."""
    passages, made, parts = write_corpus(tmp_path, TEXTS), [], []
    params = {"entry": ENTRY, "hardware": {"threads": 1}}
    for number in range(4):
        made.append(
            SimpleNamespace(vectors=tmp_path / f"{number}.npy", facts=tmp_path / f"{number}.j")
        )
        told = encode_passages.main(
            SimpleNamespace(passages=passages, encoder=[bert]),
            made[-1],
            SimpleNamespace(**params, shard=number, shards=4),
        )
        parts.append((told["texts"], told["texts_cut"]))
    result = index_passages.main(
        SimpleNamespace(
            passages=passages,
            encoder=[bert],
            vectors=[one.vectors for one in made],
            vector_facts=[one.facts for one in made],
        ),
        SimpleNamespace(index=tmp_path / "index", manifest=tmp_path / "index.json"),
        SimpleNamespace(**params),
    )
    assert [result[name] for name in ("texts", "texts_cut", "max_length")] == [6, 3, 64]
    assert tuple(map(sum, zip(*parts, strict=True))) == (6, 3)


def test_an_idle_gpu_of_any_shard_is_kept() -> None:
    """What one shard has to say is said of the index, whichever shard it is."""
    one = text_limits.reading_facts("passages", 2, 1, text_limits.TextLimit(64, "x", 64))
    found = text_limits.merge_facts([one, one | {"gpu_unused": "idle"}])
    assert found["gpu_unused"] == "idle" and found["reading"]["texts"] == 4


def test_a_reranker_counts_its_pairs(tmp_path: Path, run: Callable) -> None:
    """A question and a passage share the tokens that a cross-encoder reads."""
    folder = models.save(tmp_path / "ce", "BertForSequenceClassification", num_labels=1)
    write_corpus(tmp_path, [SAME, "norway oslo", "the capital of norway"])
    write_questions(tmp_path, ["capital of norway", "oslo"])
    run({"kind": "rank_bm25", "depth": 3})
    run(RERANK, encoder=folder, hits=[tmp_path / "rank_bm25.parquet"])
    what, pairs, cut, longest, _ = read(read_json(tmp_path / "metrics.json")["facts"])
    assert (what, cut, longest) == ("pairs of question and passage", 2, 64) and pairs > cut


def test_hashing_reads_all(tmp_path: Path, run: Callable) -> None:
    """The stand-in has no limit, and says so."""
    write_corpus(tmp_path, TEXTS)
    write_questions(tmp_path, ["norway"])
    run({"kind": "dense", "encoder": "hashing", "depth": 3})
    about = read_json(tmp_path / "index" / "index.json")
    assert read(about) == ["passages", 6, 0, None, None]
    assert text_limits.tracked_counts(about) == {"texts": 6, "texts_cut": 0}


@pytest.mark.parametrize("texts", [TEXTS, list(zip(TEXTS, reversed(TEXTS), strict=True))])
def test_counting_changes_no_input(bert: Path, monkeypatch, texts: list) -> None:
    """The model gets the very tokens that the tokenizer's own truncation leaves."""
    model, seen = Transformer(bert, "AutoModel", None, {"threads": 1}), []
    forward = model.model.forward
    monkeypatch.setattr(model.model, "forward", lambda **b: seen.append(b) or forward(**b))
    rows = [row for rows, *_ in model.batches(texts) for row in rows]
    ids = [row for batch in seen for row in batch["input_ids"].tolist()]
    sizes = [row.sum().item() for batch in seen for row in batch["attention_mask"]]
    wanted = model.tokenizer(texts, truncation=True, max_length=64)["input_ids"]
    kept = [row[:size] for row, size in zip(ids, sizes, strict=True)]
    assert kept == [wanted[row] for row in rows]


def test_a_tokenizer_without_offcuts_is_asked_again(bert: Path) -> None:
    """Where a tokenizer tells nothing of what it cut, full texts alone are read a second time."""
    model = Transformer(bert, "AutoModel", None, {"threads": 1})
    ids = model.tokenizer(TEXTS, truncation=True, max_length=model.longest)
    asked: list = []

    def again(texts: list) -> dict:
        asked.extend(texts)
        return tokenizer(texts)

    tokenizer, model.tokenizer = model.tokenizer, again
    slow = type("Slow", (dict,), {"encodings": None})(input_ids=ids["input_ids"])
    assert model._count_cut(TEXTS, slow) == model._count_cut(TEXTS, ids) == 3
    assert "bergen" not in asked and len(asked) == 5


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((None, None, 10**30, 128), (128, "the positions in the model's config.json", 128)),
        ((100, None, 10**30, 128), (100, "the retriever's max_length", 128)),
        ((None, 256, 512, 512), (256, "the encoder's known settings", 512)),
        ((None, None, 128, 512), (128, "the tokenizer's model_max_length", 128)),
        ((None, None, 8192, 8194), (512, "the default", 8192)),
        ((700, None, 512, None), (700, "the retriever's max_length", 512)),
        ((None, None, 10**30, None), (512, "the default", None)),
        ((None, 512, 512, 514), (512, "the encoder's known settings", 512)),
    ],
)
def test_the_limit_and_who_says_so(given: tuple, expected: tuple) -> None:
    """Entry, recipe, tokenizer, default, in this order, up to the model's positions."""
    assert text_limits.token_limit(*given) == (*expected, "tokens")


def test_more_than_the_model_has_is_refused(bert: Path) -> None:
    """A max_length that could do nothing is refused with the number that there is."""
    with pytest.raises(UserError, match="max_length: 128 is more than the 64 tokens"):
        encoder.encoder(ENTRY | {"checkpoint": bert, "max_length": 128})


@pytest.mark.parametrize(("build", "words"), [(None, "install a build of torch"), ("12.9", "set")])
def test_an_encoder_beside_a_gpu_says_so(monkeypatch, bert: Path, build, words: str) -> None:
    """Where `gpus` is not set, an encoder tells of the GPU that its machine shows."""
    monkeypatch.setattr("torch.version.cuda", build)
    told = Transformer(bert, "AutoModel", None, {"gpus": 0, "gpus_shown": 1})
    sentence = told.facts("passages", 1)["gpu_unused"]
    assert f"gpus is not set; {words}" in sentence and "set gpus: 1, or set gpus: 0" in sentence
    quiet = Transformer(bert, "AutoModel", None, {"gpus": 0, "gpus_shown": 0})
    assert "gpu_unused" not in quiet.facts("passages", 1)
