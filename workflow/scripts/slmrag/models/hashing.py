"""A stand-in for an encoder, without a model: words hashed to signed dimensions."""

import hashlib
from collections.abc import Sequence

import numpy as np

DIMENSIONS = 256


def vectors(texts: Sequence[str]) -> np.ndarray:
    """Return float32 vectors of length one, [texts, 256]; zeros for a text without words."""
    found = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
            found[row, (number >> 1) % DIMENSIONS] += 1 if number & 1 else -1
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
