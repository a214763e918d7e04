"""What tokens cost."""

import math
from collections.abc import Mapping
from typing import Any

Price = Mapping[str, Any]
PAID_TOKENS = ("prompt_tokens", "generated_tokens")
"""What is paid for, in the order in which ``cost`` takes their numbers."""
MILLION = 1_000_000
BYTES_PER_TOKEN = 3  # English has about 4: an estimate shall rather be too high
TOKENS_AROUND_PROMPT = 16
RULE_OF_ESTIMATE = (
    f"a token for every {BYTES_PER_TOKEN} bytes of a prompt and {TOKENS_AROUND_PROMPT} around it"
)


def cost(price: Price, prompt_tokens: float, generated_tokens: float) -> float:
    """Return what tokens cost, in the currency of their price (see config.models.PriceEntry)."""
    read = price["input_per_million"] * prompt_tokens
    return (read + price["output_per_million"] * generated_tokens) / MILLION


def estimated_cost(price: Price, prompt: str, max_tokens: int) -> float:
    """Return what a prompt may cost before anybody counted its tokens.

    English and most other text has 4 bytes a token or more, so that ``BYTES_PER_TOKEN`` is high for
    it; text of few bytes a token (digits, rare scripts) can cost more than is foreseen.
    """
    read = (
        math.ceil(len(prompt.encode("utf-8", "replace")) / BYTES_PER_TOKEN) + TOKENS_AROUND_PROMPT
    )
    return cost(price, read, max_tokens)


def with_currency(amount: float, price: Price) -> str:
    """Return an amount with its currency: two digits behind the point, or two that say something.

    >>> with_currency(0.00123, {"currency": "USD"})
    '0.0012 USD'
    """
    digits = 2 if amount >= 0.1 or not amount else 1 - math.floor(math.log10(amount))
    return f"{amount:.{digits}f} {price.get('currency', 'USD')}"
