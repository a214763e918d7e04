"""What must work for ClearML, from the configuration file to an artifact's round trip."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from slmrag.tracking import naming
from slmrag.tracking.backends import clearml_config_file, clearml_configured
from slmrag.tracking.probe import ProbeError, Step, fetch, in_order, resolve
from slmrag.tracking.settings import Settings

VARIABLES = ("CLEARML_API_HOST", "CLEARML_API_ACCESS_KEY", "CLEARML_API_SECRET_KEY")


def steps(chosen: Settings) -> list[Step]:
    """Return the steps in order."""
    return in_order(chosen, configuration, host, server, credentials, project, artifacts)


def configuration(chosen: Settings, known: dict[str, Any]) -> str:
    """Say where the SDK finds its server and credentials."""
    path = clearml_config_file()
    given = [name for name in VARIABLES if os.environ.get(name)]
    file = f"{path} {'found' if path.is_file() else 'does not exist'}"
    if not clearml_configured():
        raise ProbeError(
            f"no server is configured: {file} and none of {', '.join(VARIABLES)} is set"
            + wrong_name()
        )
    try:
        from clearml.backend_api.session import Session
    except ImportError:
        raise ProbeError(
            "the package clearml is not installed: pip install clearml==2.1.12"
        ) from None
    known["api"] = Session.get_api_server_host().rstrip("/")
    return f"{file}, variables set: {', '.join(given) or 'none'}"


def wrong_name() -> str:
    """Return a hint where the file lies under the name that is not read."""
    hidden = Path("~/.clearml.conf").expanduser()
    return f"; {hidden} exists, but the SDK reads ~/clearml.conf" if hidden.exists() else ""


def host(chosen: Settings, known: dict[str, Any]) -> str:
    """Say what the API's host resolves to."""
    return resolve(known["api"])


def server(chosen: Settings, known: dict[str, Any]) -> str:
    """Say that the API answers, without credentials."""
    answer = fetch(f"{known['api']}/debug.ping", chosen.connect_seconds)
    try:
        version = json.loads(answer)["meta"]["endpoint"]["actual_version"]
    except (ValueError, KeyError, TypeError):
        raise ProbeError(f"{known['api']} answers, but not as ClearML's API (port 8008?)") from None
    return f"{known['api']} answers debug.ping (endpoint version {version})"


def credentials(chosen: Settings, known: dict[str, Any]) -> str:
    """Say that the access key and secret are good, and the API's version."""
    from slmrag.tracking.clearml.tracker import ClearmlTracker

    try:
        known["tracker"] = ClearmlTracker(chosen)
    except Exception as error:
        raise ProbeError(f"the server refuses the access key and secret: {error}") from None
    return f"accepted, API version {known['tracker'].session.api_version}"


def project(chosen: Settings, known: dict[str, Any]) -> str:
    """Say that a task can be made in the project; it is deleted again."""
    from clearml.backend_api.services import tasks

    tracker = known["tracker"]
    name = naming.project_name(chosen.project, {"experiment": chosen.experiment})
    try:
        place = tracker.project(name)
        made = tracker.call(tasks.CreateRequest(name="connection check", project=place, type="qc"))
    except Exception as error:
        raise ProbeError(f"no task can be made in {name}: {error}") from None
    tracker.call(tasks.DeleteRequest(task=made.id, force=True))
    return f"a task was made in {name} and deleted"


def artifacts(chosen: Settings, known: dict[str, Any]) -> str:
    """Say that a file goes to where artifacts are kept, comes back equal, and can be deleted."""
    from clearml.storage.helper import StorageHelper

    base = chosen.output_uri or known["tracker"].session.get_files_server_host()
    content = uuid4().hex.encode()
    url = f"{base.rstrip('/')}/connection-check/{uuid4().hex}.txt"
    with tempfile.TemporaryDirectory() as folder:
        file, back = Path(folder, "sent"), Path(folder, "back")
        file.write_bytes(content)
        helper = StorageHelper.get(url)
        if helper is None:
            raise ProbeError(
                f"{base} cannot be used: credentials under sdk.aws.s3 in clearml.conf?"
            )
        if not helper.upload(str(file), url, retries=1):
            raise ProbeError(
                f"{base} refuses an upload: bucket, and key and secret in clearml.conf?"
            )
        helper.download_to_file(url, str(back), overwrite_existing=True)
        if back.read_bytes() != content:
            raise ProbeError(f"{base} gave back something else than was sent")
    helper.delete(url)
    return f"{base}: a file was sent, read back and deleted"
