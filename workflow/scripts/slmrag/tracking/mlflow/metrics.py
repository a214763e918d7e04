"""Translates our events to points of MLflow's metrics, named ``title/series`` as in ClearML."""

from collections.abc import Iterator, Mapping
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


METRIC_MAKERS: Mapping[str, Any] = {
    "scalar": scalar,
    "memory": memory,
    "single": single_number,
    "end": end_metrics,
}
