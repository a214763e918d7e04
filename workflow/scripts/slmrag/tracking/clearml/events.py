"""Translates our events to ClearML's: scalars, single values, tables, plots, console lines."""

import json
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming
from slmrag.tracking.clearml import figures

Base = dict[str, Any]

SINGLE_STEP = -(2**31)


def translate(task: str, start: Event, event: Event) -> Iterator[Any]:
    """Yield ClearML's events for one of ours."""
    make = TRANSLATORS.get(event["kind"])
    if make:
        yield from make({"task": task, "timestamp": int(event["time"] * 1000)}, start, event)


def scalar(base: Base, start: Event, event: Event) -> Iterator[Any]:
    """Yield a point; without a step, its step is the seconds since the start."""
    title, _, series = event["name"].rpartition("/")
    step = event["step"] if event.get("step") is not None else seconds_since(start, event)
    yield point(base, title or series, series, event["value"], step)


def progress(base: Base, start: Event, event: Event) -> Iterator[Any]:
    """Yield what a job has done so far, by the seconds since its start."""
    yield from points(base, start, event, naming.progress_points(event))


def memory(base: Base, start: Event, event: Event) -> Iterator[Any]:
    """Yield a point for each kind of memory of the job and of its components."""
    yield from points(base, start, event, naming.memory_points(event))


def points(
    base: Base, start: Event, event: Event, found: Iterable[tuple[str, str, Any]]
) -> Iterator[Any]:
    """Yield named values as points at the seconds since the start."""
    for title, series, value in found:
        yield point(base, title, series, value, seconds_since(start, event))


def single(base: Base, start: Event, event: Event) -> Iterator[Any]:
    """Yield a number as a single value, anything else as a console line."""
    if isinstance(event["value"], bool | int | float):
        yield point(base, "Summary", event["name"], event["value"], SINGLE_STEP)
    else:
        yield line(base, f"{event['name']}: {event['value']}")


def table(base: Base, start: Event, event: Event) -> Iterator[Any]:
    """Yield a table as a plotly table."""
    yield drawing(base, event["name"], "table", figures.table_figure(event["rows"]))


def plot(base: Base, start: Event, event: Event) -> Iterator[Any]:
    """Yield a plot of plotly's, else its picture, else a line that says why there is none."""
    if figure := event.get("figure"):
        yield drawing(base, event["name"], "figure", figure)
    elif reason := figures.reason_without_picture(Path(event["path"])):
        yield line(base, f"plot {event['name']} is not shown here: {event['path']} {reason}")
    else:
        yield drawing(base, event["name"], "figure", figures.picture_figure(Path(event["path"])))


def log(base: Base, start: Event, event: Event) -> Iterator[Any]:
    """Yield lines that a job printed."""
    yield line(base, event["text"])


def note(base: Base, start: Event, event: Event) -> Iterator[Any]:
    """Yield a note as a console line; it is the task's description too."""
    yield line(base, event["text"])


def alert(base: Base, start: Event, event: Event) -> Iterator[Any]:
    """Yield an alert as a console line."""
    yield line(base, f"alert {event['name']}: {event.get('message')}", "WARNING")


def end(base: Base, start: Event, event: Event) -> Iterator[Any]:
    """Yield the run time, the peaks, and the error if there was one."""
    yield point(base, "Summary", "run_time_seconds", event["time"] - start["time"], SINGLE_STEP)
    yield from points(base, start, event, naming.peak_points(event))
    if event.get("error"):
        yield line(base, str(event["error"]), "ERROR")


def point(base: Base, title: str, series: str, value: Any, step: int) -> Any:
    """Return a scalar event; for NaN and infinities, which a server refuses, a console line."""
    from clearml.backend_api.services import events as api

    number = float(value)
    if not isfinite(number):
        return line(
            base, f"{title}/{series} is {number} at {int(step)}: no point is shown", "WARNING"
        )
    return api.MetricsScalarEvent(
        **base, metric=title, variant=series, value=number, iter=int(step)
    )


def line(base: Base, text: str, level: str = "INFO") -> Any:
    """Return a console line."""
    from clearml.backend_api.services import events as api

    return api.TaskLogEvent(**base, level=level, worker="job", msg=text)


def drawing(base: Base, title: str, series: str, figure: Mapping[str, Any]) -> Any:
    """Return a plot event."""
    from clearml.backend_api.services import events as api

    text = json.dumps(figure)
    return api.MetricsPlotEvent(**base, metric=title, variant=series, iter=0, plot_str=text)


def seconds_since(start: Event, event: Event) -> int:
    """Return the whole seconds between the start and an event."""
    return int(event["time"] - start["time"])


TRANSLATORS = {
    "scalar": scalar,
    "progress": progress,
    "memory": memory,
    "single": single,
    "table": table,
    "plot": plot,
    "log": log,
    "note": note,
    "alert": alert,
    "end": end,
}
