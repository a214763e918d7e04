"""Where events and memory are sent; never a reason to rerun."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    model_validator,
)

from slmrag.config.base import Entry

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(gt=0, le=100)]


def _read_off(value: Any) -> Any:
    """Take ``no`` and ``false`` as they are meant: YAML 1.1 knows them for off."""
    return "off" if value is False else value


Mode = Annotated[Literal["auto", "online", "offline", "off"], BeforeValidator(_read_off)]


class AlertsEntry(Entry):
    """Limits; a job beyond one gets an event, a tag at the tracker and a warning."""

    gpu_memory_percent: Percent | None = Field(None, description="Use of a GPU's memory")
    host_memory_percent: Percent | None = Field(None, description="Use of the job's allocation")
    run_hours: PositiveFloat | None = Field(None, description="A job's run time")
    truncated_share: Share | None = Field(None, description="Answers cut at max_tokens")
    empty_share: Share | None = Field(None, description="Empty answers")
    expected: dict[str, float] | None = Field(
        None, description="Lowest score: {token_recall: 0.2} or {token_recall/dataset/mode: 0.2}"
    )


class TrackingEntry(Entry):
    """The tracker, and how long a run may wait for it."""

    @model_validator(mode="before")
    @classmethod
    def refuse_other_than_table(cls, raw: Any) -> Any:
        """Refuse ``tracking: off``, and a key of earlier releases."""
        if not isinstance(raw, Mapping | cls):
            raise ValueError("write a table of keys; to send nothing, tracking: {mode: off}")
        if isinstance(raw, Mapping) and "wait_seconds" in raw:
            raise ValueError("wait_seconds is no longer a key, no job waits: remove it")
        return raw

    @model_validator(mode="after")
    def refuse_keys_of_clearml_alone(self) -> Self:
        """Refuse keys that mean nothing to MLflow."""
        if self.backend == "mlflow" and self.output_uri:
            raise ValueError(
                "output_uri: the backend is mlflow, whose server says where artifacts go "
                "(--artifacts-destination): remove the key"
            )
        if self.backend == "mlflow" and self.datasets == "datasets":
            raise ValueError(
                "datasets: datasets makes ClearML datasets, but the backend is mlflow, whose runs "
                "name their data sets by digest anyway: remove the key"
            )
        return self

    backend: Literal["clearml", "mlflow", "none"] = Field("clearml", description="Which tracker")
    mode: Mode = Field(
        "auto",
        description="auto uploads if a server is configured and answers, otherwise keeps the "
        "events; docs/tracking.md",
    )
    project: str = Field("slm-experiments", min_length=3, description="Project at the tracker")
    output_uri: str | None = Field(
        None, description="Where ClearML's artifacts go: s3://host:port/bucket"
    )
    interval_seconds: PositiveFloat | None = Field(
        None, description="Seconds between memory samples (1)"
    )
    connect_seconds: PositiveFloat | None = Field(
        None, description="Seconds to wait for the first answer (5)"
    )
    deadline_seconds: PositiveFloat | None = Field(
        None, description="Seconds until the publisher is killed after the run (20)"
    )
    retries: NonNegativeInt | None = Field(None, description="Repeats of a failed request (2)")
    upload_mb: NonNegativeFloat | None = Field(
        None, description="Files above this many MB go by reference (64)"
    )
    datasets: Literal["artifacts", "datasets"] | None = Field(
        None,
        description="Prepared data sets and corpora are artifacts with digests (artifacts), or "
        "ClearML datasets too (datasets)",
    )
    alerts: AlertsEntry | None = Field(None, description="Limits that raise an alert")
    webhook_env: str | None = Field(
        None, description="Environment variable with a URL that gets each run's summary as JSON"
    )
    diff: bool | None = Field(
        None,
        description="Send the changes of tracked files since the last commit with the run (false); "
        "values of secret names are masked, at most 500 kB",
    )
