"""Translates our events to points of MLflow's metrics, named ``title/series`` as in ClearML."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming
from slmrag.tracking.mlflow.limits import allowed_name


def metrics_of_event(start: Event, event: Event) -> Iterator[Any]:
    """Yield an event's points; without a step, their step is the seconds since the start."""
    from mlflow.entities import Metric

    seconds = int(event["time"] - start["time"])
    step = event["step"] if event.get("step") is not None else seconds
    for name, value in METRIC_MAKERS.get(event["kind"], no_points)(start, event):
        yield Metric(allowed_name(name), float(value), int(event["time"] * 1000), int(step))


def no_points(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield nothing."""
    yield from ()


def scalar(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield a point of a series."""
    yield event["name"], event["value"]


def memory(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield memory by component in GB, and the GPUs' use in percent."""
    yield from paths(naming.memory_points(event))


def progress(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield what is done, its share and its rate."""
    yield from paths(naming.progress_points(event))


def single_number(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield a single value that is a number."""
    if isinstance(event["value"], bool | int | float):
        yield event["name"], event["value"]


def end_metrics(start: Event, event: Event) -> Iterator[tuple[str, Any]]:
    """Yield the run time and the peaks."""
    yield "run_time_seconds", event["time"] - start["time"]
    yield from paths(naming.peak_points(event))


def paths(points: Iterable[tuple[str, str, float]]) -> Iterator[tuple[str, float]]:
    """Yield points by title and series in one name: the UI groups names by their first part."""
    for title, series, value in points:
        yield f"{title}/{series}", value


METRIC_MAKERS: Mapping[str, Any] = {
    "scalar": scalar,
    "memory": memory,
    "progress": progress,
    "single": single_number,
    "end": end_metrics,
}
