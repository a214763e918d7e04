"""How many tokens of a text a model reads, and how many texts are longer."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from slmrag.errors import UserError

Facts = dict[str, Any]

DEFAULT_TOKENS = 512
"""Tokens read of a text unless the entry, the encoder's settings or its tokenizer differ."""

UNLIMITED = 10**9
"""A tokenizer without a limit has a larger number than this."""


class TextLimit(NamedTuple):
    """How much of a text is read (None: all), what decides it, and the most that is possible.

    Both numbers are in ``unit`` and include special tokens; ``most`` is None if it is not known.
    """

    longest: int | None = None
    source: str | None = None
    most: int | None = None
    unit: str = "tokens"


def token_limit(
    entry: int | None, settings: int | None, tokenizer: int, positions: int | None
) -> TextLimit:
    """Return how many tokens of a text a transformer reads, and what decides it.

    The retriever's entry comes first, then the encoder's settings, then its tokenizer, up to 512.
    The model's positions are the limit (None: there is none); an entry with more is a UserError.
    """
    if entry and positions and entry > positions:
        raise UserError(
            f"max_length: {entry} is more than the {positions} tokens that the model has positions "
            "for; lower it or leave it out"
        )
    asked = [
        (entry, "the retriever's max_length"),
        (settings, "the encoder's known settings"),
        (tokenizer if tokenizer < DEFAULT_TOKENS else None, "the tokenizer's model_max_length"),
        (DEFAULT_TOKENS, "the default"),
    ]
    longest, source = next((number, source) for number, source in asked if number)
    if positions and positions < longest:
        longest, source = positions, "the positions in the model's config.json"
    most = min(tokenizer, positions or tokenizer)
    return TextLimit(longest, source, most if most < UNLIMITED else None)


def reading_facts(what: str, texts: int, cut: int, limit: TextLimit) -> Facts:
    """Return the facts under the key ``reading``: how many texts, how many cut, and the limit."""
    return {"reading": {"what": what, "texts": texts, "cut": cut, **limit._asdict()}}


def merge_facts(facts: Sequence[Mapping[str, Any]]) -> Facts:
    """Return the facts of all shards of one corpus: counts are added, the rest is the same."""
    parts = [one["reading"] for one in facts]
    sums = {name: sum(part[name] for part in parts) for name in ("texts", "cut")}
    known = {name: value for one in reversed(facts) for name, value in one.items()}
    return {**known, "reading": {**parts[0], **sums}}


def tracked_counts(facts: Mapping[str, Any]) -> dict[str, int]:
    """Return the numbers of ``facts`` that are worth tracking."""
    found = facts.get("reading") or {}
    known = {"texts": found.get("texts"), "texts_cut": found.get("cut")}
    known |= {"max_length": found.get("longest")}
    return {name: value for name, value in known.items() if value is not None}
