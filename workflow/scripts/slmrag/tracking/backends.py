"""Which tracker is configured, and the tracker itself, chosen by name."""

import os
from collections.abc import Callable
from pathlib import Path

from slmrag.tracking.send import Tracker
from slmrag.tracking.settings import Settings


def clearml_configured() -> bool:
    """Say whether the environment or a ``clearml.conf`` names a server or credentials."""
    if os.environ.get("CLEARML_API_HOST") or os.environ.get("CLEARML_API_ACCESS_KEY"):
        return True
    path = clearml_config_file()
    return path.is_file() and "access_key" in path.read_text(errors="replace")


def clearml_config_file() -> Path:
    """Return where the SDK looks for its configuration."""
    return Path(os.environ.get("CLEARML_CONFIG_FILE") or "~/clearml.conf").expanduser()


def mlflow_configured() -> bool:
    """Say whether the environment names an MLflow server."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


CONFIGURED: dict[str, Callable[[], bool]] = {
    "clearml": clearml_configured,
    "mlflow": mlflow_configured,
}


def configured(settings: Settings) -> bool:
    """Say whether there is a server to send to."""
    return CONFIGURED[settings.backend]()


def _clearml(settings: Settings) -> Tracker:
    from slmrag.tracking.clearml.tracker import ClearmlTracker

    return ClearmlTracker(settings)


def _mlflow(settings: Settings) -> Tracker:
    from slmrag.tracking.mlflow.tracker import MlflowTracker

    return MlflowTracker(settings)


TRACKERS: dict[str, Callable[[Settings], Tracker]] = {"clearml": _clearml, "mlflow": _mlflow}


def connect(settings: Settings) -> Tracker:
    """Return the tracker after a first answer; raise whatever it raises."""
    return TRACKERS[settings.backend](settings)
