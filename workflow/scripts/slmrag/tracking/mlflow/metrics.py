"""Translates our events to MLflow's: points of metrics, and tags."""

import json
from collections.abc import Iterator
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming

MAX_PARAM_CHARACTERS = 6000
MAX_TAG_CHARACTERS = 5000
MAX_NAME_CHARACTERS = 250
"""Characters that an MLflow server takes."""


def metrics_of_event(start: Event, event: Event) -> Iterator[Any]:
    """Yield an event's points, named ``title/series`` as in ClearML."""
    from mlflow.entities import Metric

    seconds = int(event["time"] - start["time"])
    step = event["step"] if event.get("step") is not None else seconds
    for name, value in METRIC_MAKERS.get(event["kind"], no_pairs)(start, event):
        yield Metric(allowed_name(name), float(value), int(event["time"] * 1000), int(step))


def tags_of_event(start: Event, event: Event) -> Iterator[tuple[str, str]]:
    """Yield an event's tags."""
    for name, value in TAG_MAKERS.get(event["kind"], no_pairs)(start, event):
        yield allowed_name(name), shorten(value, MAX_TAG_CHARACTERS)


def no_pairs(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield nothing."""
    yield from ()


def scalar(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield a point of a series."""
    yield event["name"], event["value"]


def memory(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield memory by component."""
    for title, series, value in naming.memory_points(event):
        yield f"{title}/{series}", value


def single_number(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield a single value that is a number."""
    if isinstance(event["value"], bool | int | float):
        yield event["name"], event["value"]


def end_metrics(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield the run time and the peaks."""
    yield "run_time_seconds", event["time"] - start["time"]
    for component, peaks in {"job": event.get("peak"), **(event.get("components") or {})}.items():
        for kind, value in (peaks or {}).items():
            yield (
                f"memory/{component}/{naming.SERIES_LABELS.get(f'peak_{kind}', f'{kind} peak')}",
                value,
            )


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


def error(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield the error of a failed job."""
    if event.get("error"):
        yield "error", event["error"]


METRIC_MAKERS = {"scalar": scalar, "memory": memory, "single": single_number, "end": end_metrics}
TAG_MAKERS = {
    "single": single_text,
    "artifact": artifact,
    "model": model,
    "alert": alert,
    "end": error,
}


def allowed_name(name: str) -> str:
    """Return a name in the characters that MLflow allows."""
    return "".join(c if c.isalnum() or c in "_-./ :" else "_" for c in name)[:MAX_NAME_CHARACTERS]


def shorten(value: Any, longest: int = MAX_PARAM_CHARACTERS) -> str:
    """Return a value as text within MLflow's limit; a shortened one says how long it was."""
    text = str(value)
    note = f"... [cut, {len(text)} characters]"
    return text if len(text) <= longest else text[: longest - len(note)] + note


def batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    """Yield the items in lists of at most ``size``."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
