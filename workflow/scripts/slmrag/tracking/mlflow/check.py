"""What must work for MLflow, from the address to an artifact's round trip."""

import os
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from slmrag.tracking import naming
from slmrag.tracking.probe import ProbeError, Step, fetch, in_order, resolve
from slmrag.tracking.settings import Settings

ADDRESS = "MLFLOW_TRACKING_URI"


def steps(chosen: Settings) -> list[Step]:
    """Return the steps in order."""
    return in_order(chosen, configuration, host, server, credentials, experiment, run, artifacts)


def configuration(chosen: Settings, known: dict[str, Any]) -> str:
    """Say where the client finds its server and credentials."""
    if not os.environ.get(ADDRESS):
        raise ProbeError(f"{ADDRESS} is not set; export it as http://host:port")
    try:
        import mlflow.tracking  # noqa: F401
    except ImportError:
        raise ProbeError("the package mlflow-skinny is not installed") from None
    known["address"] = os.environ[ADDRESS].rstrip("/")
    user = "set" if os.environ.get("MLFLOW_TRACKING_USERNAME") else "not set"
    return f"{ADDRESS} is {known['address']}, MLFLOW_TRACKING_USERNAME is {user}"


def host(chosen: Settings, known: dict[str, Any]) -> str:
    """Say what the server's host resolves to."""
    return resolve(known["address"])


def server(chosen: Settings, known: dict[str, Any]) -> str:
    """Say that the server answers, without credentials."""
    fetch(f"{known['address']}/health", chosen.connect_seconds)
    return f"{known['address']}/health answers"


def credentials(chosen: Settings, known: dict[str, Any]) -> str:
    """Say that the server takes the user name and password: /health does not ask for them."""
    from slmrag.tracking.mlflow.tracker import MlflowTracker

    try:
        known["tracker"] = MlflowTracker(chosen)
    except Exception as error:
        raise ProbeError(f"the server refuses the user name and password: {error}") from None
    return "accepted"


def experiment(chosen: Settings, known: dict[str, Any]) -> str:
    """Say that the run's own experiment is there or can be made, and takes runs."""
    from slmrag.tracking.mlflow.tracker import Deleted

    tracker = known["tracker"]
    name = naming.project_name(chosen.project, {"experiment": chosen.experiment})
    try:
        known["experiment"] = tracker.experiment(name)
    except Deleted as error:
        raise ProbeError(str(error)) from None
    return f"{name} takes runs"


def run(chosen: Settings, known: dict[str, Any]) -> str:
    """Say that a run can be made there."""
    known["run"] = known["tracker"].client.create_run(known["experiment"]).info.run_id
    return "one was made"


def artifacts(chosen: Settings, known: dict[str, Any]) -> str:
    """Say that a file goes to the artifact store and comes back equal; the run is then deleted."""
    client, run = known["tracker"].client, known["run"]
    content = uuid4().hex
    with tempfile.TemporaryDirectory() as folder:
        client.log_text(run, content, "check.txt")
        back = client.download_artifacts(run, "check.txt", folder)
        if Path(back).read_text() != content:
            raise ProbeError("the artifact store gave back something else than was sent")
    client.delete_run(run)
    return "a file was sent and read back; the run was deleted"
