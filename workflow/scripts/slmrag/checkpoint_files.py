"""Which files of a checkpoint's folder are the model: weights and what describes them, no code."""

from collections.abc import Iterable
from fnmatch import fnmatch

DESCRIPTIONS = ("*.json", "*.txt", "*.model", "*.jinja", "*.md", "LICENSE*", "NOTICE*")
DOCUMENTS = ("*.md", "LICENSE*", "NOTICE*")
"""Descriptions that people read and no engine does."""
WEIGHTS = ("*.safetensors",)
PICKLES = ("*.bin", "*.pt", "*.pth")
ALLOWED = ("pytorch_model*.bin",)
"""Pickles of tensors that an entry may allow; engines read them by torch's weights-only loader."""


def weights(names: Iterable[str], allow_pickle: bool) -> set[str]:
    """Return the names of the weights: safetensors, or pickles where those alone are there."""
    names = list(names)
    return matching(names, WEIGHTS) or (matching(names, ALLOWED) if allow_pickle else set())


def recipe(names: Iterable[str], allow_pickle: bool) -> set[str]:
    """Return the names of the files that can change an answer or a vector."""
    names = list(names)
    described = matching(names, DESCRIPTIONS) - matching(names, DOCUMENTS)
    return weights(names, allow_pickle) | described


def matching(names: Iterable[str], patterns: Iterable[str]) -> set[str]:
    """Return the names whose last part matches a pattern, without those that are hidden."""
    parts = {name: name.split("/") for name in names}
    return {
        name
        for name, (*_, base) in parts.items()
        if any(fnmatch(base, pattern) for pattern in patterns)
        and not any(part.startswith(".") for part in parts[name])
    }
