"""Translates our events to ClearML's: scalars, single values, tables, plots, console lines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming

SINGLE_STEP = -(2**31)
MAX_PLOT_BYTES = 2**21


def translate(task: str, start: Event, event: Event) -> Iterator[Any]:
    """Yield ClearML's events for one of ours."""
    make = TRANSLATORS.get(event["kind"])
    if make:
        yield from make({"task": task, "timestamp": int(event["time"] * 1000)}, start, event)


def scalar(base: dict[str, Any], start: Event, event: Event) -> Iterator[Any]:
    """Yield a point; without a step, its step is the seconds since the start."""
    title, _, series = event["name"].rpartition("/")
    step = event["step"] if event.get("step") is not None else seconds_since(start, event)
    yield point(base, title or series, series, event["value"], step)


def memory(base: dict[str, Any], start: Event, event: Event) -> Iterator[Any]:
    """Yield a point for each kind of memory of the job and of its components."""
    for title, series, value in naming.memory_points(event):
        yield point(base, title, series, value, seconds_since(start, event))


def single(base: dict[str, Any], start: Event, event: Event) -> Iterator[Any]:
    """Yield a number as a single value, anything else as a console line."""
    if isinstance(event["value"], bool | int | float):
        yield point(base, "Summary", event["name"], float(event["value"]), SINGLE_STEP)
    else:
        yield line(base, f"{event['name']}: {event['value']}")


def table(base: dict[str, Any], start: Event, event: Event) -> Iterator[Any]:
    """Yield a table as a plotly table."""
    columns = list(dict.fromkeys(key for row in event["rows"] for key in row))
    cells = [[row.get(column) for row in event["rows"]] for column in columns]
    data = [{"type": "table", "header": {"values": columns}, "cells": {"values": cells}}]
    yield drawing(base, event["name"], "table", {"data": data, "layout": {}})


def plot(base: dict[str, Any], start: Event, event: Event) -> Iterator[Any]:
    """Yield a picture inside a plotly layout, if it is small enough."""
    path = Path(event["path"])
    kinds = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
    kind = kinds.get(path.suffix.lower())
    if kind and path.is_file() and path.stat().st_size <= MAX_PLOT_BYTES:
        yield drawing(base, event["name"], "figure", {"data": [], "layout": picture(path, kind)})


def picture(path: Path, kind: str) -> dict[str, Any]:
    """Return a plotly layout that shows a picture."""
    from base64 import b64encode

    source = f"data:{kind};base64,{b64encode(path.read_bytes()).decode()}"
    place = {"x": 0, "y": 1, "sizex": 1, "sizey": 1, "xref": "paper", "yref": "paper"}
    return {
        "images": [{"source": source, "layer": "below", **place}],
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
    }


def alert(base: dict[str, Any], start: Event, event: Event) -> Iterator[Any]:
    """Yield an alert as a console line."""
    yield line(base, f"alert {event['name']}: {event.get('message')}", "WARNING")


def end(base: dict[str, Any], start: Event, event: Event) -> Iterator[Any]:
    """Yield the run time, the peaks, and the error if there was one."""
    yield point(base, "Summary", "run_time_seconds", event["time"] - start["time"], SINGLE_STEP)
    for component, peaks in {"job": event.get("peak"), **(event.get("components") or {})}.items():
        for key, value in (peaks or {}).items():
            series = naming.SERIES_LABELS.get(f"peak_{key}", f"{key} peak")
            yield point(base, f"memory/{component}", series, value, seconds_since(start, event))
    if event.get("error"):
        yield line(base, str(event["error"]), "ERROR")


def point(base: dict[str, Any], title: str, series: str, value: Any, step: int) -> Any:
    """Return a scalar event; NaN and infinities become 0."""
    from clearml.backend_api.services import events as api

    number = float(value)
    number = number if abs(number) < float("inf") else 0.0
    return api.MetricsScalarEvent(
        **base, metric=title, variant=series, value=number, iter=int(step)
    )


def line(base: dict[str, Any], text: str, level: str = "INFO") -> Any:
    """Return a console line."""
    from clearml.backend_api.services import events as api

    return api.TaskLogEvent(**base, level=level, worker="job", msg=text)


def drawing(base: dict[str, Any], title: str, series: str, figure: dict[str, Any]) -> Any:
    """Return a plot event."""
    from clearml.backend_api.services import events as api

    text = json.dumps(figure)
    return api.MetricsPlotEvent(**base, metric=title, variant=series, iter=0, plot_str=text)


def seconds_since(start: Event, event: Event) -> int:
    """Return the whole seconds between the start and an event."""
    return int(event["time"] - start["time"])


TRANSLATORS = {
    "scalar": scalar,
    "memory": memory,
    "single": single,
    "table": table,
    "plot": plot,
    "alert": alert,
    "end": end,
}
