"""Translates our events to MLflow's tags: what ran, what it says of itself, and its files."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming
from slmrag.tracking.mlflow.limits import (
    MAX_TAG_CHARACTERS,
    allowed_name,
    shorten,
    shorten_start,
)

NOTE_TAG = "mlflow.note.content"
"""The description of a run, which the UI shows as Markdown."""
SNAKEFILE = "Snakefile"


def tags_of_start(start: Event, parent: str | None) -> dict[str, str]:
    """Return the tags that a run is made with; what is not known is left out."""
    own = joined_tags(naming.task_tags(start)) | {
        "slmrag.attempt": start["id"],
        "task_type": naming.task_type(start),
    }
    known = own | source_tags(start) | {"mlflow.parentRunId": parent}
    return {name: shorten(value, MAX_TAG_CHARACTERS) for name, value in known.items() if value}


def source_tags(start: Event) -> dict[str, Any]:
    """Return MLflow's own tags on the code: for it, the workflow is a project, a rule its entry."""
    code = start.get("code") or {}
    dirty = code.get("dirty")
    return {
        "mlflow.source.type": "PROJECT",
        "mlflow.source.name": code.get("repository") or SNAKEFILE,
        "mlflow.project.entryPoint": start["rule"],
        "mlflow.source.git.commit": code.get("commit"),
        "mlflow.source.git.repoURL": code.get("repository"),
        "mlflow.source.git.branch": code.get("branch"),
        "mlflow.source.git.dirty": None if dirty is None else str(bool(dirty)).lower(),
        "mlflow.user": start.get("user"),
    }


def joined_tags(tags: list[str]) -> dict[str, str]:
    """Return ``kind:name`` as one tag a kind, which names all of its kind (several modes)."""
    found: dict[str, list[str]] = {}
    for kind, _, name in (tag.partition(":") for tag in tags):
        found.setdefault(kind, []).append(name)
    return {kind: ", ".join(names) for kind, names in found.items()}


def tags_of_event(start: Event, event: Event) -> Iterator[tuple[str, str]]:
    """Yield an event's tags; those without a value are left out."""
    for name, value in TAG_MAKERS.get(event["kind"], no_tags)(start, event):
        if value is not None:
            yield allowed_name(name), shorten(value, MAX_TAG_CHARACTERS)


def no_tags(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield nothing."""
    yield from ()


def single_text(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield a single value that is no number."""
    if not isinstance(event["value"], bool | int | float):
        yield f"result.{event['name']}", event["value"]


def artifact(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield where a file is, its size, its digest and what it is about."""
    details = {name: event.get(name) for name in ("path", "bytes", "sha256", "metadata")}
    yield f"artifact.{naming.artifact_name(start['rule'], event['name'])}", json.dumps(details)


def model(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield the model that a job uses."""
    for name in ("uri", "revision", "digest"):
        yield f"model.{name}", event.get(name)


def alert(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield an alert."""
    yield f"alert.{event['name']}", event["message"]


def note(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield the outcome in words as the run's description."""
    yield NOTE_TAG, event["text"]


def end(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield why a job failed, and the last lines that it printed."""
    if event.get("error"):
        yield "error", shorten_start(str(event["error"]))
    tail = event.get("log_tail") or []
    lines = tail if isinstance(tail, str) else "\n".join(map(str, tail))
    if lines:
        yield "log_tail", shorten_start(lines)


TAG_MAKERS: Mapping[str, Any] = {
    "single": single_text,
    "artifact": artifact,
    "model": model,
    "alert": alert,
    "note": note,
    "end": end,
}
