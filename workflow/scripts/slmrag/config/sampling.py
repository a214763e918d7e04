"""Decoding parameters: the keys of ``sampling`` and their defaults."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

NEUTRAL_VALUES: dict[str, float] = {
    "top_k": 0,
    "min_p": 0,
    "repetition_penalty": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "min_tokens": 0,
}
"""Keys that not every engine has, with the value that changes nothing."""
STOCHASTIC_KEYS = ("top_k", "min_p")
"""Those of ``NEUTRAL_VALUES`` that do nothing at temperature 0."""


class Sampling(NamedTuple):
    """Decoding parameters; ``stop`` are strings that end an answer and are not part of it."""

    temperature: float = 0.0
    max_tokens: int = 64
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    min_tokens: int | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any], common: Mapping[str, Any]) -> Self:
        """Take each setting from the model's entry, else from ``sampling``, else the default."""
        chosen = {key: entry.get(key, common.get(key)) for key in cls._fields}
        chosen["stop"] = tuple(chosen["stop"] or ())
        return cls(**{key: value for key, value in chosen.items() if value is not None})

    def optional_keys(self, drawn: bool = False) -> dict[str, Any]:
        """Return the keys of ``NEUTRAL_VALUES`` that are set and can change an answer.

        A neutral value that is set stays: a server may have another default. ``drawn`` means that
        the server chooses the temperature, so that tokens may be drawn whatever ours is.
        """
        chosen = {key: getattr(self, key) for key in NEUTRAL_VALUES}
        idle = () if drawn or self.temperature > 0 else STOCHASTIC_KEYS
        return {
            key: value for key, value in chosen.items() if value is not None and key not in idle
        }
