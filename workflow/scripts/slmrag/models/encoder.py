"""Text to vectors by an encoder from a local folder, or by hashing where there is none."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.models import hashing, text_limits
from slmrag.models.pooling import Recipe, recipe
from slmrag.models.transformer import Transformer

Array = np.ndarray
Text = str | tuple[str, str]

HASHING = "hashing"


class Encoder:
    """Maps passages and questions to float32 vectors, [texts, dimensions]."""

    def __init__(
        self,
        recipe: Recipe,
        encode: Callable[[Sequence[Text]], Array],
        model: Transformer | None = None,
    ):
        self.recipe, self.encode, self._model = recipe, encode, model

    def facts(self, what: str, texts: int) -> text_limits.Facts:
        """Return how much of the ``texts`` so far was read; hashing reads all of each."""
        if self._model is None:
            return text_limits.reading(what, texts, 0, text_limits.Limit())
        return self._model.facts(what, texts)

    def passages(self, titles: Sequence[str], texts: Sequence[str]) -> Array:
        """Return the vectors of passages."""
        pairs = list(zip(titles, texts, strict=True))
        if self.recipe.pair:
            return self.encode(pairs)
        before = self.recipe.passage_prefix
        return self.encode(
            [before + (f"{title} {text}" if title else text) for title, text in pairs]
        )

    def questions(self, questions: Sequence[str]) -> Array:
        """Return the vectors of questions."""
        return self.encode([self.recipe.query_prefix + question for question in questions])


def encoder(params: Mapping[str, Any]) -> Encoder:
    """Return a retriever's encoder; ``params`` holds its keys, and ``checkpoint``, a folder."""
    how = recipe_of(params)
    if params["encoder"] == HASHING:
        return Encoder(how, hashing.vectors)
    model = Transformer(Path(params["checkpoint"]), "AutoModel", how.max_length, params)
    return Encoder(how, pooled(model, how), model)


def recipe_of(params: Mapping[str, Any]) -> Recipe:
    """Return how a retriever's encoder pools and which prefixes it takes."""
    if params["encoder"] == HASHING:
        given = {key: params.get(key) or "" for key in ("query_prefix", "passage_prefix")}
        return Recipe(HASHING, **given)
    return recipe(Path(params["checkpoint"]), params)


def pooled(model: Transformer, how: Recipe) -> Callable[[Sequence[Text]], Array]:
    """Return the function from texts to vectors."""
    pool = POOLINGS[how.pooling]

    def encode(texts: Sequence[Text]) -> Array:
        vectors = np.zeros((len(texts), model.model.config.hidden_size), dtype=np.float32)
        for rows, states, mask in model.batches(texts) if len(texts) else ():
            vectors[rows] = pool(states, mask).cpu().numpy()
        return unit(vectors) if how.normalize else vectors

    return encode


def unit(vectors: Array) -> Array:
    """Return vectors of length one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def mean(states: Any, mask: Any) -> Any:
    """Return the mean of the real tokens' states."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


def cls(states: Any, mask: Any) -> Any:
    """Return the first token's state."""
    return states[:, 0]


def last(states: Any, mask: Any) -> Any:
    """Return the last real token's state."""
    return states[range(len(states)), mask.sum(1) - 1]


POOLINGS: dict[str, Callable[[Any, Any], Any]] = {"mean": mean, "cls": cls, "last": last}
