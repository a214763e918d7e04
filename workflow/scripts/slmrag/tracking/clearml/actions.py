"""Requests to ClearML for files, models, alerts and a task's end."""

import json
import re
from pathlib import Path
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming


class TrackerError(Exception):
    """The tracker did not answer, or refused."""


def artifact(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Upload a file, or link to it if it is large or a folder, and register it."""
    from clearml.backend_api.services import tasks

    name = naming.artifact_name(start["rule"], event["name"])
    uri = upload(tracker, task, start, name, event)
    details = {"path": event["path"], **(event.get("metadata") or {})}
    entry = tasks.Artifact(
        key=name,
        type="custom",
        mode="output",
        uri=uri,
        content_size=event.get("bytes"),
        hash=event.get("sha256"),
        timestamp=int(event["time"]),
        type_data=tasks.ArtifactTypeData(preview=json.dumps(details, indent=1)),
        display_data=[[str(key), str(value)] for key, value in details.items()],
    )
    tracker.call(tasks.AddOrUpdateArtifactsRequest(task=task, artifacts=[entry], force=True))


def upload(tracker: Any, task: str, start: Event, name: str, event: Event) -> str:
    """Return the address of an artifact's content, uploaded if it is a small file."""
    path = Path(event["path"]).resolve()
    if not path.is_file() or path.stat().st_size > tracker.settings.upload_mb * 2**20:
        return path.as_uri()
    from clearml import StorageManager

    base = tracker.settings.output_uri or tracker.session.get_files_server_host()
    project = naming.project_name(tracker.settings.project, start)
    folder = f"{project}/{naming.task_name(start).replace('/', '.')}.{task}"
    url = f"{base.rstrip('/')}/{folder}/artifacts/{name}/{path.name}"
    sent = StorageManager.upload_file(str(path), url, wait_for_upload=True, retries=1)
    if not sent:
        raise TrackerError(f"could not upload {path.name} to {base}")
    return sent


def model(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Register the model that a job uses, once per content, as the task's input."""
    from clearml.backend_api.services import models, tasks

    comment = f"digest {event.get('digest')}, revision {event.get('revision')}"
    request = models.GetAllRequest(name=f"^{re.escape(event['name'])}$", uri=[event["uri"]])
    same = [one for one in tracker.call(request).models or [] if one.comment == comment]
    design = {"design": json.dumps(event.get("entry") or {}, indent=1, sort_keys=True)}
    new = models.CreateRequest(
        name=event["name"], uri=event["uri"], comment=comment, design=design, ready=True
    )
    known = same[0].id if same else tracker.call(new).id
    link = tasks.AddOrUpdateModelRequest(
        task=task, name=event["name"], model=known, type=tasks.ModelTypeEnum.input
    )
    tracker.call(link)


def alert(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Tag the task with an alert."""
    from clearml.backend_api.services import tasks

    known = tracker.call(tasks.GetByIdRequest(task=task)).task.tags or []
    wanted = sorted({*known, f"alert:{event['name']}"})
    tracker.call(tasks.EditRequest(task=task, tags=wanted, force=True))


def end(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Set the task's final status."""
    from clearml.backend_api.services import tasks

    reason = str(event.get("error") or "")
    first = reason.strip().splitlines()[-1][:300] if reason.strip() else ""
    ends = {"completed": tasks.CompletedRequest, "failed": tasks.FailedRequest}
    request = ends.get(event["status"], tasks.StoppedRequest)
    tracker.call(request(task=task, force=True, status_reason=first, status_message=reason[-2000:]))


ACTIONS = {"artifact": artifact, "model": model, "alert": alert, "end": end}
