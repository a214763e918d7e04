"""Our events as MLflow's: points of metrics, and tags."""

import json
from collections.abc import Iterator
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming

LONGEST_PARAM = 6000
LONGEST_TAG = 5000
LONGEST_NAME = 250
"""Characters that an MLflow server takes."""


def metrics(start: Event, event: Event) -> Iterator[Any]:
    """Yield an event's points, named ``title/series`` as at ClearML."""
    from mlflow.entities import Metric

    seconds = int(event["time"] - start["time"])
    step = event["step"] if event.get("step") is not None else seconds
    for name, value in POINTS.get(event["kind"], none)(start, event):
        yield Metric(key(name), float(value), int(event["time"] * 1000), int(step))


def notes(start: Event, event: Event) -> Iterator[tuple[str, str]]:
    """Yield an event's tags."""
    for name, value in NOTES.get(event["kind"], none)(start, event):
        yield key(name), cut(value, LONGEST_TAG)


def none(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield nothing."""
    yield from ()


def scalar(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield a point of a series."""
    yield event["name"], event["value"]


def memory(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield memory by component."""
    for title, series, value in naming.memory_points(event):
        yield f"{title}/{series}", value


def number(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield a single value that is a number."""
    if isinstance(event["value"], bool | int | float):
        yield event["name"], event["value"]


def ending(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield the run time and the peaks."""
    yield "run_time_seconds", event["time"] - start["time"]
    for component, peaks in {"job": event.get("peak"), **(event.get("components") or {})}.items():
        for kind, value in (peaks or {}).items():
            yield f"memory/{component}/{naming.SERIES.get(f'peak_{kind}', f'{kind} peak')}", value


def text(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
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


def error(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield what a job failed of."""
    if event.get("error"):
        yield "error", event["error"]


POINTS = {"scalar": scalar, "memory": memory, "single": number, "end": ending}
NOTES = {"single": text, "artifact": artifact, "model": model, "alert": alert, "end": error}


def key(name: str) -> str:
    """Return a name in the characters that MLflow allows."""
    return "".join(c if c.isalnum() or c in "_-./ :" else "_" for c in name)[:LONGEST_NAME]


def cut(value: Any, longest: int = LONGEST_PARAM) -> str:
    """Return a value as text no longer than MLflow takes; a cut one says how much it lost."""
    text = str(value)
    note = f"... [cut, {len(text)} characters]"
    return text if len(text) <= longest else text[: longest - len(note)] + note


def batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    """Yield the items in lists of at most ``size``."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
