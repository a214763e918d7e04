"""Encoders: the right pooling and prefixes, golden vectors, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from slmrag.errors import UserError
from slmrag.models import pooling
from slmrag.models.encoder import encoder

from tests.models import tiny_encoders as models

pytestmark = pytest.mark.slow

pytest.importorskip("transformers")
TEXTS = ["capital of norway", "oslo", "the rainy bergen of norway", "a fish"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny BERT without a word about its pooling."""
    return models.save(tmp_path_factory.mktemp("bert"), "BertModel")


def states(folder: Path, text: str | tuple[str, str], tower: str = "AutoModel") -> np.ndarray:
    """Return the last hidden states [tokens, dimensions] as transformers gives them."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    pair = text if isinstance(text, tuple) else (text,)
    model = getattr(transformers, tower).from_pretrained(folder).eval()
    with torch.inference_mode():
        return model(**tokenizer(*pair, return_tensors="pt"))[0][0].numpy()


@pytest.mark.parametrize(
    ("name", "pool"),
    [("mean", lambda s: s.mean(0)), ("cls", lambda s: s[0]), ("last", lambda s: s[-1])],
)
def test_pooling_ignores_padding(bert: Path, name: str, pool) -> None:
    """However texts are batched, a vector is the pooling of its own text's states."""
    params = {"encoder": "x", "checkpoint": bert, "pooling": name, "normalize": False}
    found = encoder(params).questions(TEXTS)
    expected = np.stack([pool(states(bert, text)) for text in TEXTS])
    assert np.allclose(found, expected, atol=1e-5)


def test_prefixes_stand_before_the_text(bert: Path) -> None:
    """Questions and passages get their own prefix, and a passage its title."""
    prefixes = {"query_prefix": "capital ", "passage_prefix": "a "}
    params = {"encoder": "x", "checkpoint": bert, "pooling": "mean", **prefixes}
    with_prefixes, plain = encoder(params), encoder(params | dict.fromkeys(prefixes))
    assert np.allclose(with_prefixes.questions(["fish"]), plain.questions(["capital fish"]))
    assert np.allclose(
        with_prefixes.passages(["oslo"], ["norway"]), plain.questions(["a oslo norway"])
    )


def test_a_text_too_long_is_cut(bert: Path) -> None:
    """Tokens beyond max_length change nothing, special tokens counted."""
    params = {"encoder": "x", "checkpoint": bert, "pooling": "mean", "max_length": 6}
    one, other = encoder(params).questions(["oslo rome a fish", "oslo rome a fish of the capital"])
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hf:intfloat/e5-base-v2", ("mean", "query: ", "passage: ")),
        ("hf:intfloat/multilingual-e5-small", ("mean", "query: ", "passage: ")),
        (
            "hf:BAAI/bge-small-en-v1.5",
            ("cls", "Represent this sentence for searching relevant passages: ", ""),
        ),
        ("hf:thenlper/gte-base", ("mean", "", "")),
        ("hf:facebook/contriever-msmarco", ("mean", "", "")),
        ("hf:facebook/dpr-ctx_encoder-single-nq-base", ("cls", "", "")),
        ("hf:sentence-transformers/all-MiniLM-L6-v2", ("mean", "", "")),
        (
            "s3://bucket/encoders/Qwen3-Embedding-0.6B/",
            (
                "last",
                "Instruct: Given a web search query, retrieve relevant passages that answer the "
                "query\nQuery:",
                "",
            ),
        ),
    ],
)
def test_families(tmp_path: Path, name: str, expected: tuple[str, str, str]) -> None:
    """The table knows each family by its checkpoint's name."""
    found = pooling.encoder_settings(tmp_path, {"encoder": name})
    assert (found.pooling, found.query_prefix, found.passage_prefix) == expected


@pytest.mark.parametrize("name", ["contriever", "dpr-question_encoder-single-nq-base"])
def test_families_of_inner_products(tmp_path: Path, name: str) -> None:
    """Contriever and DPR compare by inner product, not by angle."""
    assert pooling.encoder_settings(tmp_path, {"encoder": name}).normalize is False


def test_a_checkpoint_says_how_it_pools(tmp_path: Path) -> None:
    """Where no family fits, sentence-transformers' files decide; the entry overrides them."""
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling/config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    (tmp_path / "modules.json").write_text(json.dumps([{"type": "x.Transformer"}]))
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 77}))
    prompts = {"prompts": {"query": "ask: ", "document": "doc: "}}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    found = pooling.encoder_settings(tmp_path, {"encoder": "mine", "query_prefix": "q: "})
    assert found == pooling.EncoderSettings("cls", "q: ", "doc: ", normalize=False, max_length=77)


def test_a_layer_after_the_pooling_is_refused(tmp_path: Path) -> None:
    """Without sentence-transformers' dense layers the vectors would be of another space."""
    kinds = ["Transformer", "Pooling", "Dense", "Normalize"]
    modules = [{"type": f"sentence_transformers.models.{kind}"} for kind in kinds]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UserError, match=r"has a layer that is not supported \(Dense\)"):
        pooling.encoder_settings(tmp_path, {"encoder": "mine", "pooling": "mean"})


def test_nothing_says_how_it_pools(bert: Path) -> None:
    """An encoder of unknown pooling is refused rather than guessed."""
    with pytest.raises(UserError, match="pooling: mean, cls or last"):
        encoder({"encoder": "hf:someone/mine", "checkpoint": bert})


@pytest.mark.parametrize("tower", ["DPRContextEncoder", "DPRQuestionEncoder"])
def test_dprs_towers(tmp_path: Path, tower: str) -> None:
    """Each tower gets its own weights, and a passage is a pair of title and text."""
    folder = models.save(tmp_path / "dpr", tower)
    found = encoder({"encoder": "dpr-ctx_encoder", "checkpoint": folder})
    pair = ("oslo", "the capital of norway")
    expected = states(folder, pair, tower)  # DPR's first output is its pooled state
    assert np.allclose(found.passages(*[[part] for part in pair])[0], expected, atol=1e-5)


def test_pickled_weights(tmp_path: Path, bert: Path) -> None:
    """A file of weights that is neither safetensors nor tensors alone is refused."""
    (tmp_path / "config.json").write_text((bert / "config.json").read_text())
    (tmp_path / "pytorch_model.bin").write_bytes(b"no")
    with pytest.raises(UserError, match="safetensors"):
        encoder({"encoder": "x", "checkpoint": tmp_path, "pooling": "mean"})


@pytest.mark.parametrize("kept", [0, 10, -5])
def test_weights_cut_short(tmp_path: Path, bert: Path, kept: int) -> None:
    """Weights that are not whole are refused in a sentence."""
    (tmp_path / "config.json").write_text((bert / "config.json").read_text())
    weights = (bert / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[:kept])
    with pytest.raises(UserError, match=r"its \*.safetensors are damaged"):
        encoder({"encoder": "x", "checkpoint": tmp_path, "pooling": "mean"})


def test_remote_code(tmp_path: Path, bert: Path) -> None:
    """A model that brings its own code is refused, with the reason."""
    own = {"model_type": "mine", "auto_map": {"AutoModel": "modeling.Mine"}}
    (tmp_path / "config.json").write_text(json.dumps(own))
    (tmp_path / "modeling.py").write_text("raise SystemExit")
    (tmp_path / "model.safetensors").write_bytes((bert / "model.safetensors").read_bytes())
    with pytest.raises(UserError, match="remote code"):
        encoder({"encoder": "x", "checkpoint": tmp_path, "pooling": "mean"})


def test_weights_of_another_model(tmp_path: Path, bert: Path) -> None:
    """Weights that leave parts of the model random are refused."""
    models.save(tmp_path, "BertModel", num_hidden_layers=1)
    (tmp_path / "config.json").write_text((bert / "config.json").read_text())
    with pytest.raises(UserError, match="lacks"):
        encoder({"encoder": "x", "checkpoint": tmp_path, "pooling": "mean"})
