"""How much of its texts a model or an engine reads, and how many of them are longer than that."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from slmrag.errors import UserError

Facts = dict[str, Any]

DEFAULT_TOKENS = 512
"""Tokens read of a text unless the entry, the encoder's recipe or its tokenizer says otherwise."""

UNLIMITED = 10**9
"""What a tokenizer without a limit of its own has is more than this."""


class TextLimit(NamedTuple):
    """How much of a text is read (None: all of it), where that comes from, and the most there is.

    Both numbers are in ``unit``, special tokens included; the most is None where it is not known.
    """

    longest: int | None = None
    source: str | None = None
    most: int | None = None
    unit: str = "tokens"


def token_limit(
    entry: int | None, settings: int | None, tokenizer: int, positions: int | None
) -> TextLimit:
    """Return how many tokens of a text a transformer reads, and who says so.

    The retriever's entry comes first, then the encoder's recipe, then its tokenizer, up to 512. No
    more is read than the model has positions for (None where it counts none); an entry that asks
    for more is a UserError.
    """
    if entry and positions and entry > positions:
        raise UserError(
            f"max_length: {entry} is more than the {positions} tokens that the model has positions "
            "for; lower it or leave it out"
        )
    asked = [
        (entry, "the retriever's max_length"),
        (settings, "the encoder's recipe"),
        (tokenizer if tokenizer < DEFAULT_TOKENS else None, "the tokenizer's model_max_length"),
        (DEFAULT_TOKENS, "the default"),
    ]
    longest, source = next((number, source) for number, source in asked if number)
    if positions and positions < longest:
        longest, source = positions, "the positions in the model's config.json"
    most = min(tokenizer, positions or tokenizer)
    return TextLimit(longest, source, most if most < UNLIMITED else None)


def reading_facts(what: str, texts: int, cut: int, limit: TextLimit) -> Facts:
    """Return what is said of texts under the key ``reading``: how many, how many cut, and where."""
    return {"reading": {"what": what, "texts": texts, "cut": cut, **limit._asdict()}}


def merge_facts(facts: Sequence[Mapping[str, Any]]) -> Facts:
    """Return the facts of all shards of one corpus: their counts add up, the rest is the same."""
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
