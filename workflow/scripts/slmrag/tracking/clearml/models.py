"""Entries of models at ClearML: once per content, as input or output of tasks."""

import json
import re
from contextlib import suppress
from typing import Any

from slmrag.files import read_json
from slmrag.job.events import Event
from slmrag.tracking import naming
from slmrag.tracking.clearml.names import server_name

CHECKPOINTS = {
    ("download_model", "checkpoint"): "model",
    ("download_judge", "checkpoint"): "judge",
    ("download_encoder", "checkpoint"): "retriever",
    ("download_query_encoder", "checkpoint"): "retriever",
}
"""(rule, output) that is a model, and the wildcard that names it."""


def use(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Register the model that a job uses as its task's input."""
    link(tracker, task, event["name"], entry_of(tracker, start, event), "input")


def register_output(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Register the model that a job made as its task's output, with its size and digest."""
    made = output_facts(start, event)
    link(tracker, task, made["name"], entry_of(tracker, start, made), "output")


def output_facts(start: Event, event: Event) -> Event:
    """Return name, address, revision and digest of a checkpoint, by its manifest."""
    params = start.get("params") or {}
    manifest: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        manifest = read_json(f"{event['path']}.json")
    kind = CHECKPOINTS[start["rule"], event["name"]]
    return {
        "name": start["wildcards"].get(kind, kind),
        "uri": str(manifest.get("uri") or params.get("uri") or f"file:{event['path']}"),
        "revision": manifest.get("revision") or params.get("revision"),
        "digest": manifest.get("digest") or event.get("sha256"),
        "bytes": event.get("bytes"),
        "entry": {key: value for key, value in params.items() if key != "storage"},
    }


def entry_of(tracker: Any, start: Event, event: Event) -> str:
    """Return the id of a model's entry in the project, created if there is none."""
    comment = f"digest {event.get('digest')}, revision {event.get('revision')}"
    key = f"{event['name']} {event['uri']} {comment}"
    if key not in tracker.models:
        project = tracker.project(naming.project_name(tracker.settings.project, start))
        tracker.models[key] = find(tracker, event, comment, project) or create(
            tracker, event, comment, project
        )
    return tracker.models[key]


def find(tracker: Any, event: Event, comment: str, project: str) -> str | None:
    """Return the project's oldest entry of a model with the same content, None if there is none."""
    from clearml.backend_api.services import models

    name = f"^{re.escape(server_name(event['name']))}$"
    fields = ["id", "comment", "created"]
    request = models.GetAllRequest(
        name=name, uri=[event["uri"]], project=[project], only_fields=fields, order_by=["created"]
    )
    same = [one for one in tracker.call(request).models or [] if one.comment == comment]
    return min(same, key=lambda one: (str(one.created), one.id)).id if same else None


def create(tracker: Any, event: Event, comment: str, project: str) -> str:
    """Create a model's entry; if another process did so at the same time, keep the older one.

    The server knows no unique models: both see both entries, and keep the same. Without its last
    field, the server would delete the checkpoint at the address too.
    """
    from clearml.backend_api.services import models

    request = models.CreateRequest(
        name=server_name(event["name"]),
        uri=event["uri"],
        comment=comment,
        design={"design": json.dumps(event.get("entry") or {}, indent=1, sort_keys=True)},
        ready=True,
        project=project,
    )
    made = tracker.call(request).id
    if known := metadata(event):
        tracker.call(models.AddOrUpdateMetadataRequest(model=made, metadata=known))
    oldest = find(tracker, event, comment, project) or made
    if oldest != made:
        kept = {"delete_external_artifacts": False, "_allow_extra_fields_": True}
        tracker.call(models.DeleteRequest(model=made, force=True, **kept))
    return oldest


def metadata(event: Event) -> list[dict[str, str]]:
    """Return what is known of a model's content, as the page shows it."""
    known = {name: event.get(name) for name in ("digest", "revision", "bytes")}
    return [
        {"key": name, "type": "str", "value": str(value)}
        for name, value in known.items()
        if value is not None
    ]


def link(tracker: Any, task: str, name: str, model: str, kind: str) -> None:
    """Name a model as a task's input or output, replacing one of the same name."""
    from clearml.backend_api.services import tasks

    name = server_name(name)

    def whole(found: dict[str, Any]) -> dict[str, Any]:
        known = (found.get("models") or {}).get(kind) or []
        kept = [one for one in known if one["name"] != name]
        return {"models": {kind: [*kept, {"name": name, "model": model}]}}

    request = tasks.AddOrUpdateModelRequest(task=task, name=name, model=model, type=kind)
    tracker.add(task, request, whole)
