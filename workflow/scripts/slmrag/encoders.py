"""Text to vectors by a transformer from a local folder, or by hashing where there is none."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.errors import UserError
from slmrag.files import read_json
from slmrag.pooling import Recipe, recipe

Array = np.ndarray
Text = str | tuple[str, str]

HASHING = "hashing"
BATCH_TOKENS = {"cpu": 4_096, "cuda": 65_536}


class Encoder:
    """A transformer that maps texts to vectors, float32 [texts, dimensions]."""

    def __init__(self, checkpoint: Path, params: Mapping[str, Any]):
        import torch
        from transformers import AutoTokenizer

        _offline()
        if params.get("threads"):
            torch.set_num_threads(params["threads"])
        self.recipe = recipe(checkpoint, params)
        self.device = "cuda" if params.get("gpus") and torch.cuda.is_available() else "cpu"
        self.model = _model(checkpoint, self.device)
        self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        self.longest = self.recipe.max_length or min(self.tokenizer.model_max_length, 512)
        self.tokens = (params.get("batch_size") or 0) * self.longest or BATCH_TOKENS[self.device]

    def passages(self, titles: Sequence[str], texts: Sequence[str]) -> Array:
        """Return the vectors of passages."""
        return self._encode(_joined(titles, texts, self.recipe))

    def questions(self, questions: Sequence[str]) -> Array:
        """Return the vectors of questions."""
        return self._encode([self.recipe.query_prefix + question for question in questions])

    def _encode(self, texts: Sequence[Text]) -> Array:
        """Encode texts of like length together, so that little is padded."""
        import torch

        if not len(texts):
            return np.zeros((0, self.model.config.hidden_size), dtype=np.float32)
        ids = self.tokenizer(list(texts), truncation=True, max_length=self.longest)
        vectors = None
        with torch.inference_mode():
            for rows in batches([len(one) for one in ids["input_ids"]], self.tokens):
                found = self._vectors({key: [value[r] for r in rows] for key, value in ids.items()})
                if vectors is None:
                    vectors = np.zeros((len(texts), found.shape[1]), dtype=np.float32)
                vectors[rows] = found
        return vectors

    def _vectors(self, ids: Mapping[str, list[list[int]]]) -> Array:
        import torch

        batch = self.tokenizer.pad(dict(ids), return_tensors="pt", padding_side="right")
        batch = batch.to(self.device)
        hidden = self.model(**batch)[0].float()
        pooled = POOLINGS[self.recipe.pooling](hidden, batch["attention_mask"])
        if self.recipe.normalize:
            pooled = torch.nn.functional.normalize(pooled, dim=-1)
        return pooled.cpu().numpy()


class HashingEncoder:
    """A stand-in without a model: words hashed to 256 signed dimensions, length one."""

    DIMENSIONS = 256

    def __init__(self, _checkpoint: Path | None, params: Mapping[str, Any]):
        given = {key: params[key] for key in ("query_prefix", "passage_prefix") if params.get(key)}
        self.recipe = Recipe("hashing", **given)

    def passages(self, titles: Sequence[str], texts: Sequence[str]) -> Array:
        """Return the vectors of passages."""
        return self._encode(_joined(titles, texts, self.recipe))

    def questions(self, questions: Sequence[str]) -> Array:
        """Return the vectors of questions."""
        return self._encode([self.recipe.query_prefix + question for question in questions])

    def _encode(self, texts: Sequence[str]) -> Array:
        vectors = np.zeros((len(texts), self.DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
                vectors[row, (number >> 1) % self.DIMENSIONS] += 1 if number & 1 else -1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def encoder(params: Mapping[str, Any]) -> Encoder | HashingEncoder:
    """Return the encoder of a retriever: ``params`` has its checkpoint folder and its keys."""
    if params.get("encoder") == HASHING:
        return HashingEncoder(None, params)
    return Encoder(Path(params["checkpoint"]), params)


def batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Yield rows by falling length, as many as fit into ``tokens`` after padding, at least one."""
    order = np.argsort(lengths, kind="stable")[::-1].tolist()
    start = 0
    while start < len(order):
        size = max(1, tokens // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def _joined(titles: Sequence[str], texts: Sequence[str], how: Recipe) -> list[Text]:
    pairs = zip(titles, texts, strict=True)
    if how.pair:
        return [(title, text) for title, text in pairs]
    return [how.passage_prefix + (f"{title} {text}" if title else text) for title, text in pairs]


def mean(hidden: Any, mask: Any) -> Any:
    """Return the mean of the real tokens' states."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1)


def cls(hidden: Any, mask: Any) -> Any:
    """Return the first token's state."""
    return hidden[:, 0]


def last(hidden: Any, mask: Any) -> Any:
    """Return the last real token's state."""
    return hidden[range(len(hidden)), mask.sum(1) - 1]


POOLINGS: dict[str, Callable[[Any, Any], Any]] = {"mean": mean, "cls": cls, "last": last}


def _offline() -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


def _model(checkpoint: Path, device: str) -> Any:
    """Load a checkpoint's weights; UserError for code of its own, pickles, or missing weights."""
    import torch
    from transformers import AutoModel

    config = read_json(checkpoint / "config.json")
    if not list(checkpoint.glob("*.safetensors")):
        raise UserError(f"{checkpoint}: has no *.safetensors; pickled weights are never loaded")
    dtype = torch.float16 if device == "cuda" else torch.float32
    try:
        model, told = AutoModel.from_pretrained(
            checkpoint, dtype=dtype, use_safetensors=True, output_loading_info=True
        )
    except ValueError as error:
        reason = "it needs remote code, which is off" if "auto_map" in config else str(error)
        raise UserError(f"{checkpoint}: cannot be loaded: {reason}") from error
    missing = sorted(key for key in told["missing_keys"] if "pooler" not in key)
    if missing:
        raise UserError(f"{checkpoint}: lacks {len(missing)} weights, among them {missing[0]}")
    return model.to(device).eval()
