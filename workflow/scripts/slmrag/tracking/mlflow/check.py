"""The steps of the check of MLflow, from its address to an artifact's round trip."""

import os
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from slmrag.tracking import naming
from slmrag.tracking.probe import ProbeError, Step, fetch_url, make_steps, resolve_host
from slmrag.tracking.settings import Settings

ADDRESS_VARIABLE = "MLFLOW_TRACKING_URI"


def steps(chosen: Settings) -> list[Step]:
    """Return the steps in order."""
    return make_steps(chosen, configuration, host, server, credentials, experiment, run, artifacts)


def configuration(chosen: Settings, known: dict[str, Any]) -> str:
    """Return where the client finds its server and credentials."""
    if not os.environ.get(ADDRESS_VARIABLE):
        raise ProbeError(f"{ADDRESS_VARIABLE} is not set; export it as http://host:port")
    try:
        import mlflow.tracking  # noqa: F401
    except ImportError:
        raise ProbeError("the package mlflow-skinny is not installed") from None
    known["address"] = os.environ[ADDRESS_VARIABLE].rstrip("/")
    user = "set" if os.environ.get("MLFLOW_TRACKING_USERNAME") else "not set"
    return f"{ADDRESS_VARIABLE} is {known['address']}, MLFLOW_TRACKING_USERNAME is {user}"


def host(chosen: Settings, known: dict[str, Any]) -> str:
    """Return the addresses of the server's host."""
    return resolve_host(known["address"])


def server(chosen: Settings, known: dict[str, Any]) -> str:
    """Ask the server for its health, without credentials."""
    fetch_url(f"{known['address']}/health", chosen.connect_seconds)
    return f"{known['address']}/health answers"


def credentials(chosen: Settings, known: dict[str, Any]) -> str:
    """Log in with user name and password, which /health does not ask for."""
    from slmrag.tracking.mlflow.tracker import MlflowTracker

    try:
        known["tracker"] = MlflowTracker(chosen)
    except Exception as error:
        raise ProbeError(f"the server refuses the user name and password: {error}") from None
    return "accepted"


def experiment(chosen: Settings, known: dict[str, Any]) -> str:
    """Find or create the experiment; it must accept runs."""
    from slmrag.tracking.mlflow.tracker import DeletedExperiment

    tracker = known["tracker"]
    name = naming.project_name(chosen.project, {"experiment": chosen.experiment})
    try:
        known["experiment"] = tracker.experiment(name)
    except DeletedExperiment as error:
        raise ProbeError(str(error)) from None
    return f"{name} takes runs"


def run(chosen: Settings, known: dict[str, Any]) -> str:
    """Create a run in the experiment."""
    known["run"] = known["tracker"].client.create_run(known["experiment"]).info.run_id
    return "one was made"


def artifacts(chosen: Settings, known: dict[str, Any]) -> str:
    """Upload a file to the artifact store, download and compare it; then delete the run."""
    client, run = known["tracker"].client, known["run"]
    content = uuid4().hex
    with tempfile.TemporaryDirectory() as folder:
        client.log_text(run, content, "check.txt")
        back = client.download_artifacts(run, "check.txt", folder)
        if Path(back).read_text() != content:
            raise ProbeError("the artifact store returned something else than was sent")
    client.delete_run(run)
    return "a file was sent and read back; the run was deleted"
