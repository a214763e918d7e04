"""What an endpoint charges."""

from pydantic import Field, NonNegativeFloat

from slmrag.config.base import Entry


class PriceEntry(Entry):
    """What an endpoint charges for its tokens."""

    input_per_million: NonNegativeFloat = Field(description="For a million tokens of prompts")
    output_per_million: NonNegativeFloat = Field(
        description="For a million tokens of answers, hidden reasoning among them"
    )
    currency: str = Field("USD", min_length=1, description="Currency of both")
