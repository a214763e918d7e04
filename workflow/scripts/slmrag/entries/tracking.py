"""Where events and memory are sent; never a reason to rerun."""

from typing import Literal

from pydantic import Field, PositiveFloat

from slmrag.entries.base import Entry


class TrackingEntry(Entry):
    """The tracker, and how long it may keep a job waiting."""

    backend: Literal["clearml", "mlflow", "none"] = Field("clearml", description="Which tracker")
    mode: Literal["auto", "online", "offline", "off"] = Field(
        "auto", description="auto sends when a server is configured and answers, and keeps the rest"
    )
    project: str = Field("slm-experiments", min_length=3, description="Project at the tracker")
    output_uri: str | None = Field(None, description="Where artifacts go: s3://host:port/bucket")
    interval_seconds: PositiveFloat | None = Field(None, description="Between memory samples (1)")
    connect_seconds: PositiveFloat | None = Field(None, description="Wait for a first answer (5)")
    deadline_seconds: PositiveFloat | None = Field(
        None, description="Wait for the publisher once a job is done (20)"
    )
