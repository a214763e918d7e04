"""The tracking settings, read from the plain config."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

TRIAL_EXPERIMENT = "connection-check"
"""The experiment of a connection check."""


@dataclass(frozen=True)
class Settings:
    """The tracking part of the config with its defaults; an absent key means its default."""

    backend: str = "clearml"
    mode: str = "auto"
    project: str = "slm-experiments"
    output_uri: str | None = None
    connect_seconds: float = 5.0
    deadline_seconds: float = 20.0
    retries: int = 2
    upload_mb: float = 64.0
    datasets: str = "artifacts"
    webhook_env: str | None = None
    diff: bool = False
    experiment: str = TRIAL_EXPERIMENT

    @property
    def is_on(self) -> bool:
        """Whether tracking is on."""
        return self.backend != "none" and self.mode != "off"


def settings(raw: Mapping[str, Any] | None) -> Settings:
    """Return the settings of a plain mapping; unknown keys are ignored, the config checks them."""
    known = {item.name for item in fields(Settings)}
    given = {key: value for key, value in (raw or {}).items() if value is not None and key in known}
    return Settings(**given)
