"""The steps of the check of ClearML, from its configuration file to an artifact's round trip."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from slmrag.tracking import naming
from slmrag.tracking.backends import clearml_config_file, is_clearml_configured
from slmrag.tracking.clearml.names import project_path
from slmrag.tracking.clearml.requests import TrackerError
from slmrag.tracking.clearml.store import StoreRefused, open_store, upload_file
from slmrag.tracking.probe import ProbeError, Step, fetch_url, make_steps, resolve_host
from slmrag.tracking.settings import Settings

CREDENTIAL_VARIABLES = ("CLEARML_API_HOST", "CLEARML_API_ACCESS_KEY", "CLEARML_API_SECRET_KEY")


def steps(chosen: Settings) -> list[Step]:
    """Return the steps in order."""
    return make_steps(chosen, configuration, host, server, credentials, project, artifacts)


def configuration(chosen: Settings, known: dict[str, Any]) -> str:
    """Return where the SDK finds its server and credentials."""
    path = clearml_config_file()
    given = [name for name in CREDENTIAL_VARIABLES if os.environ.get(name)]
    file = f"{path} {'found' if path.is_file() else 'does not exist'}"
    if not is_clearml_configured():
        raise ProbeError(
            f"no server is configured: {file} and none of {', '.join(CREDENTIAL_VARIABLES)} is set"
            + hint_on_file_name()
        )
    try:
        from clearml.backend_api.session import Session
    except ImportError:
        raise ProbeError(
            "the package clearml is not installed: pip install clearml==2.1.12"
        ) from None
    known["api"] = Session.get_api_server_host().rstrip("/")
    return f"{file}, variables set: {', '.join(given) or 'none'}"


def hint_on_file_name() -> str:
    """Return a hint if there is a file under the wrong name."""
    hidden = Path("~/.clearml.conf").expanduser()
    return f"; {hidden} exists, but the SDK reads ~/clearml.conf" if hidden.exists() else ""


def host(chosen: Settings, known: dict[str, Any]) -> str:
    """Return the addresses of the API's host."""
    return resolve_host(known["api"])


def server(chosen: Settings, known: dict[str, Any]) -> str:
    """Ask the API for its version, without credentials."""
    answer = fetch_url(f"{known['api']}/debug.ping", chosen.connect_seconds)
    try:
        version = json.loads(answer)["meta"]["endpoint"]["actual_version"]
    except (ValueError, KeyError, TypeError):
        raise ProbeError(f"{known['api']} answers, but not as ClearML's API (port 8008?)") from None
    return f"{known['api']} answers debug.ping (endpoint version {version})"


def credentials(chosen: Settings, known: dict[str, Any]) -> str:
    """Log in with the access key and secret."""
    from slmrag.tracking.clearml.tracker import ClearmlTracker

    try:
        known["tracker"] = ClearmlTracker(chosen)
    except Exception as error:
        raise ProbeError(f"the server refuses the access key and secret: {error}") from None
    return f"accepted, API version {known['tracker'].session.api_version}"


def project(chosen: Settings, known: dict[str, Any]) -> str:
    """Create a task in the project, and delete it again, with the projects made for it."""
    from clearml.backend_api.services import tasks

    tracker = known["tracker"]
    name = project_path(naming.project_name(chosen.project, {"experiment": chosen.experiment}))
    try:
        made = missing_projects(tracker, name)
        place = tracker.project(name)
        task = tracker.call(tasks.CreateRequest(name="connection check", project=place, type="qc"))
    except Exception as error:
        raise ProbeError(f"no task can be made in {name}: {error}") from None
    tracker.call(tasks.DeleteRequest(task=task.id, force=True))
    delete_projects(tracker, made)
    return f"a task was made in {name} and deleted"


def missing_projects(tracker: Any, name: str) -> list[str]:
    """Return the paths of a project and of those above it that do not exist, the deepest first."""
    parts = name.split("/")
    paths = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return [path for path in paths if tracker.find_project(path) is None]


def delete_projects(tracker: Any, paths: list[str]) -> None:
    """Delete empty projects; one in which another process has begun a task stays."""
    from clearml.backend_api.services import projects

    tracker.projects.clear()
    with suppress(TrackerError):
        for path in paths:
            if found := tracker.find_project(path):
                tracker.call(projects.DeleteRequest(project=found))


def artifacts(chosen: Settings, known: dict[str, Any]) -> str:
    """Upload a file to the artifact storage, download and compare it, and delete it."""
    base = chosen.output_uri or known["tracker"].session.get_files_server_host()
    content = uuid4().hex.encode()
    url = f"{base.rstrip('/')}/connection-check/{uuid4().hex}.txt"
    with tempfile.TemporaryDirectory() as folder:
        file, back = Path(folder, "sent"), Path(folder, "back")
        file.write_bytes(content)
        try:
            upload_file(str(file), url)
        except StoreRefused as error:
            raise ProbeError(f"{error}; bucket, and key and secret in clearml.conf?") from None
        helper = open_store(url)
        helper.download_to_file(url, str(back), overwrite_existing=True)
        if back.read_bytes() != content:
            raise ProbeError(f"{base} returned something else than was sent")
    helper.delete(url)
    return f"{base}: a file was sent, read back and deleted"
