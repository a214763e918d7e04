"""What a cell's answers cost by their model's price."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slmrag.generation.prices import TOKENS, cost
from slmrag.scoring.failure_classes import is_answered

if TYPE_CHECKING:
    import polars as pl

NO_PRICE = "no price of the endpoint is set, so the cost in money is not known"
UNCOUNTED = "the endpoint did not count the tokens of {} of {} answers: no cost in money"
WITHOUT = "the cost in money is without the {} refused prompts, of which nothing was counted"


def money(
    answers: "pl.DataFrame", records: Sequence[Mapping[str, Any]], price: Mapping[str, Any] | None
) -> tuple[dict[str, Any], list[str]]:
    """Return ``cost`` and ``cost_currency`` of answers with tokens and finish_reason, and remarks.

    A model that was loaded here costs no money, and nothing is said of it.
    """
    if not price:
        remote = any(record.get("device") == "endpoint" for record in records)
        return {}, [NO_PRICE] * remote
    made = answers.filter(is_answered())
    if lacking := uncounted(made):
        return {}, [UNCOUNTED.format(lacking, made.height)]
    refused = answers.height - made.height
    spent = cost(price, *(made[name].sum() for name in TOKENS))
    found = {"cost": spent, "cost_currency": price["currency"]}
    return found, [WITHOUT.format(refused)] * bool(refused)


def uncounted(answers: "pl.DataFrame") -> int:
    """Return of how many answers not all tokens were counted."""
    import polars as pl

    return answers.filter(pl.any_horizontal(pl.col(TOKENS).is_null())).height
