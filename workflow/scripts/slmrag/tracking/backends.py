"""The trackers by name, and whether one is configured."""

import os
from collections.abc import Callable
from pathlib import Path

from slmrag.tracking.send import Tracker
from slmrag.tracking.settings import Settings


def is_clearml_configured() -> bool:
    """Return whether the environment or a ``clearml.conf`` names a server or credentials."""
    if os.environ.get("CLEARML_API_HOST") or os.environ.get("CLEARML_API_ACCESS_KEY"):
        return True
    path = clearml_config_file()
    return path.is_file() and "access_key" in path.read_text(errors="replace")


def clearml_config_file() -> Path:
    """Return where the SDK looks for its configuration."""
    return Path(os.environ.get("CLEARML_CONFIG_FILE") or "~/clearml.conf").expanduser()


def is_mlflow_configured() -> bool:
    """Return whether the environment names an MLflow server."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


CONFIGURED_CHECKS: dict[str, Callable[[], bool]] = {
    "clearml": is_clearml_configured,
    "mlflow": is_mlflow_configured,
}


def is_configured(settings: Settings) -> bool:
    """Return whether there is a server to send to."""
    return CONFIGURED_CHECKS[settings.backend]()


def _clearml(settings: Settings) -> Tracker:
    from slmrag.tracking.clearml.tracker import ClearmlTracker

    return ClearmlTracker(settings)


def _mlflow(settings: Settings) -> Tracker:
    from slmrag.tracking.mlflow.tracker import MlflowTracker

    return MlflowTracker(settings)


TRACKERS: dict[str, Callable[[Settings], Tracker]] = {"clearml": _clearml, "mlflow": _mlflow}


def connect_tracker(settings: Settings) -> Tracker:
    """Return the tracker after its server has answered; raise whatever its library raises."""
    return TRACKERS[settings.backend](settings)
