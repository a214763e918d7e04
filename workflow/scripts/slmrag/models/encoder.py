"""Texts to vectors, by an encoder from a local folder or by hashing."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.models import text_limits
from slmrag.models.pooling import EncoderSettings, encoder_settings
from slmrag.models.transformer import Transformer

Array = np.ndarray
Texts = Sequence[str] | Sequence[tuple[str, str]]

HASHING = "hashing"
HASHED_DIMENSIONS = 256


class Encoder:
    """Maps passages and questions to float32 vectors, [texts, dimensions]."""

    def __init__(
        self,
        settings: EncoderSettings,
        encode: Callable[[Texts], Array],
        model: Transformer | None = None,
    ):
        self.settings, self.encode, self._model = settings, encode, model

    def facts(self, what: str, texts: int) -> text_limits.Facts:
        """Return how much of the ``texts`` so far was read; hashing reads all of them."""
        if self._model is None:
            return text_limits.reading_facts(what, texts, 0, text_limits.TextLimit())
        return self._model.facts(what, texts)

    def passages(self, titles: Sequence[str], texts: Sequence[str]) -> Array:
        """Return the vectors of passages."""
        pairs = list(zip(titles, texts, strict=True))
        if self.settings.pair:
            return self.encode(pairs)
        before = self.settings.passage_prefix
        return self.encode(
            [before + (f"{title} {text}" if title else text) for title, text in pairs]
        )

    def questions(self, questions: Sequence[str]) -> Array:
        """Return the vectors of questions."""
        return self.encode([self.settings.query_prefix + question for question in questions])


def encoder(params: Mapping[str, Any]) -> Encoder:
    """Return a retriever's encoder; ``params`` has its keys, and ``checkpoint``, a folder."""
    how = settings_of(params)
    if params["encoder"] == HASHING:
        return Encoder(how, hash_vectors)
    model = Transformer(Path(params["checkpoint"]), "AutoModel", how.max_length, params)
    return Encoder(how, vector_function(model, how), model)


def settings_of(params: Mapping[str, Any]) -> EncoderSettings:
    """Return how a retriever's encoder pools and which prefixes it takes."""
    if params["encoder"] == HASHING:
        query, passage = (params.get(key) or "" for key in ("query_prefix", "passage_prefix"))
        return EncoderSettings(HASHING, query_prefix=query, passage_prefix=passage)
    return encoder_settings(Path(params["checkpoint"]), params)


def vector_function(model: Transformer, how: EncoderSettings) -> Callable[[Texts], Array]:
    """Return the function from texts to vectors."""
    assert how.pooling, "encoder_settings ends with one"
    pool = POOLINGS[how.pooling]

    def encode(texts: Texts) -> Array:
        vectors = np.zeros((len(texts), model.model.config.hidden_size), dtype=np.float32)
        for rows, states, mask in model.batches(texts) if len(texts) else ():
            vectors[rows] = pool(states, mask).cpu().numpy()
        return unit_vectors(vectors) if how.normalize else vectors

    return encode


def hash_vectors(texts: Texts) -> Array:
    """Return vectors without a model, [texts, 256]: words hashed to signed dimensions.

    They have length one, or are zeros for a text without words.
    """
    found = np.zeros((len(texts), HASHED_DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in (text if isinstance(text, str) else " ".join(text)).lower().split():
            number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
            found[row, (number >> 1) % HASHED_DIMENSIONS] += 1 if number & 1 else -1
    return unit_vectors(found)


def unit_vectors(vectors: Array) -> Array:
    """Return vectors of length one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def mean_state(states: Any, mask: Any) -> Any:
    """Return the mean of the real tokens' states."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


def first_state(states: Any, mask: Any) -> Any:
    """Return the first token's state."""
    return states[:, 0]


def last_state(states: Any, mask: Any) -> Any:
    """Return the last real token's state."""
    return states[range(len(states)), mask.sum(1) - 1]


POOLINGS: dict[str, Callable[[Any, Any], Any]] = {
    "mean": mean_state,
    "cls": first_state,
    "last": last_state,
}
