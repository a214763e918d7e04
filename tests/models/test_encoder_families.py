"""Each family of encoders as its authors' model card computes it, written out with transformers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from slmrag.errors import UserError
from slmrag.models.encoder import encoder

from tests.models import tiny_encoders as models

pytestmark = pytest.mark.slow

pytest.importorskip("transformers")
TITLES = ["oslo", "", "rome"]
TEXTS = ["the capital of norway", "a fish", "the capital of italy , the rainy capital of italy"]
TASK = "Instruct: Given a web search query, retrieve relevant passages that answer the query\n"
BGE = "Represent this sentence for searching relevant passages: "
BERT = ("BertModel", {})
DECODER = ("Qwen3Model", {"num_key_value_heads": 1, "head_dim": 16, "pad_token_id": 0})
MODERN = (
    "ModernBertModel",
    {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "global_attn_every_n_layers": 1},
)


def mean(states: Any, mask: Any) -> Any:
    """E5's and GTE's average_pool, Contriever's mean_pooling."""
    held = states.masked_fill(~mask[..., None].bool(), 0.0)
    return held.sum(dim=1) / mask.sum(dim=1)[..., None]


def cls(states: Any, mask: Any) -> Any:
    """BGE's first state."""
    return states[:, 0]


def last(states: Any, mask: Any) -> Any:
    """Qwen3-Embedding's last_token_pool, on texts padded on the left."""
    assert mask[:, -1].all()
    return states[:, -1]


FAMILIES = {
    "e5-base-v2": (BERT, mean, "query: ", "passage: ", True),
    "multilingual-e5-small": (BERT, mean, "query: ", "passage: ", True),
    "multilingual-e5-large-instruct": (BERT, mean, TASK + "Query: ", "", True),
    "bge-small-en-v1.5": (BERT, cls, BGE, "", True),
    "bge-m3": (BERT, cls, "", "", True),
    "gte-base": (BERT, mean, "", "", True),
    "gte-modernbert-base": (MODERN, cls, "", "", True),
    "contriever-msmarco": (BERT, mean, "", "", False),
    "all-MiniLM-L6-v2": (BERT, mean, "", "", True),
    "Qwen3-Embedding-0.6B": (DECODER, last, TASK + "Query:", "", True),
    "e5-mistral-7b-instruct": (DECODER, last, TASK + "Query: ", "", True),
}


def card(folder: Path, texts: list[str], pool: Callable, normalize: bool) -> np.ndarray:
    """Return the vectors of texts as a model card computes them, all in one batch."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    side = "left" if pool is last else "right"
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side=side)
    batch = tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder).eval()(**batch).last_hidden_state
        vectors = pool(states, batch["attention_mask"])
        return (torch.nn.functional.normalize(vectors) if normalize else vectors).numpy()


@pytest.mark.parametrize("name", FAMILIES)
def test_vectors_are_those_of_the_model_card(tmp_path: Path, name: str) -> None:
    """Questions and passages of each family get its prefix, pooling and length."""
    (architecture, more), pool, question, passage, normalize = FAMILIES[name]
    folder = models.save(tmp_path / name, architecture, **more)
    ours = encoder({"encoder": f"hf:someone/{name}", "checkpoint": folder, "max_length": 64})
    passages = [
        f"{passage}{t} {x}" if t else passage + x for t, x in zip(TITLES, TEXTS, strict=True)
    ]
    for found, texts in (
        (ours.questions(TEXTS), [question + text for text in TEXTS]),
        (ours.passages(TITLES, TEXTS), passages),
    ):
        assert np.allclose(found, card(folder, texts, pool, normalize), atol=1e-5)


@pytest.mark.parametrize("tower", ["DPRContextEncoder", "DPRQuestionEncoder"])
def test_dprs_towers_are_those_of_the_model_card(tmp_path: Path, tower: str) -> None:
    """DPR's vectors are its pooler_output, of title and text as two segments, or of a question."""
    import torch
    import transformers

    folder = models.save(tmp_path / "dpr", tower)
    ours = encoder({"encoder": "dpr-question_encoder-single-nq-base", "checkpoint": folder})
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = getattr(transformers, tower).from_pretrained(folder).eval()
    for found, texts in (
        (ours.passages(TITLES, TEXTS), (TITLES, TEXTS)),
        (ours.questions(TEXTS), (TEXTS,)),
    ):
        with torch.inference_mode():
            batch = tokenizer(*texts, padding=True, return_tensors="pt")
            assert np.allclose(found, model(**batch).pooler_output.numpy(), atol=1e-5)


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return open, (str(self.path), "w")


def test_an_allowed_pickle_gives_the_same_vectors_and_runs_no_code(tmp_path: Path) -> None:
    """Tensors of pytorch_model.bin are those of safetensors; a pickle with more is refused."""
    import torch
    from safetensors.torch import load_file

    folder = models.save(tmp_path / "dpr", "DPRContextEncoder")
    entry = {"encoder": "hf:someone/dpr-ctx_encoder", "checkpoint": folder}
    safe = encoder(entry).passages(TITLES, TEXTS)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"has no \*.safetensors"):
        encoder(entry)
    torch.save(weights, folder / "pytorch_model.bin")
    assert np.array_equal(encoder(entry).passages(TITLES, TEXTS), safe)
    torch.save(weights | {"trap": Trap(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=str(folder)):
        encoder(entry)
    assert not (tmp_path / "ran").exists()
