"""How answers are scored and compared."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from slmrag.config.base import Entry

Metric = Literal["token_recall", "precision", "f1", "exact_match", "match", "token_match"]
Variant = Literal["bergen", "flashrag", "lm_eval", "mlqa", "squad", "unicode"]


class MetricsEntry(Entry):
    """The headline metric and its interval."""

    primary: Metric = Field("token_recall", description="Metric of the headline table")
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(0.95, description="Level of intervals")
    bootstrap: PositiveInt = Field(10_000, description="Resamples of each interval")
    seed: int | None = Field(None, description="Seed of the resamples (0)")
    variants: list[Variant] | None = Field(
        None,
        description="Other people's metrics beside ours, as columns named after their source; "
        "unicode: ours for all scripts, docs/languages.md",
    )
