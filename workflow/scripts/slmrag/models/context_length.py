"""How many tokens a model reads, by vLLM's rules: so that all engines cut prompts alike."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

KEYS_OF_LENGTH = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
"""Keys of a configuration; the least value counts, but ``model_max_length`` overrides them (vLLM
0.32, ``derive_max_model_len_and_key``)."""

ALREADY_SCALED = {"su", "longrope", "llama3", "yarn", "deepseek_yarn", "deepseek_llama_scaling"}
"""Kinds of scaling whose ``max_position_embeddings`` includes the factor (vLLM,
``_get_and_verify_max_len``)."""


class Positions(NamedTuple):
    """Tokens of prompt and answer: an engine's default (``usual``) and the limit (``most``)."""

    usual: int
    most: int


def positions(config: Mapping[str, Any]) -> Positions | None:
    """Return the limits in the configuration of a language model; None if it has none."""
    known = [config[key] for key in KEYS_OF_LENGTH if isinstance(config.get(key), int | float)]
    found = config.get("model_max_length") or min(filter(None, known), default=None)
    if not isinstance(found, int | float):
        return None
    ropes = list(_rope_sections(config))
    most = int(found * _scaling_factor(config, ropes))
    short = config.get("original_max_position_embeddings")
    if short and any(_rope_kind(rope) == "longrope" for rope in ropes):
        return Positions(int(short), most)
    return Positions(most, most)


def _rope_sections(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the sections on rotary positions: one, or one for each kind of layer."""
    for name in ("rope_parameters", "rope_scaling"):
        section = config.get(name) or {}
        nested = [one for one in section.values() if isinstance(one, Mapping)]
        yield from nested or [section]


def _rope_kind(rope: Mapping[str, Any]) -> str:
    found = rope.get("rope_type") or rope.get("type") or "default"
    return "longrope" if found == "su" else found


def _scaling_factor(config: Mapping[str, Any], ropes: list[Mapping[str, Any]]) -> float:
    """Return the factor by which scaling extends the positions in the configuration."""
    if "gemma3" in str(config.get("model_type")):
        return 1.0
    factors = [
        rope["factor"]
        for rope in ropes
        if "factor" in rope and _rope_kind(rope) not in ALREADY_SCALED
    ]
    return factors[-1] if factors else 1.0
