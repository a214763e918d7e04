"""Bring a tracker up to date with one attempt's log, from where it was left."""

from pathlib import Path
from typing import Any, Protocol

from slmrag.job.attempts import Attempt, Busy, parent
from slmrag.job.events import Event


class Tracker(Protocol):
    """What a backend must do; every call may be repeated without a second effect."""

    name: str

    def open(self, start: Event, parent: str | None) -> str:
        """Find the attempt's task, or make it; return its id."""

    def send(self, task: str, start: Event, events: list[Event]) -> None:
        """Report a batch of events."""

    def link(self, task: str, parent: str) -> None:
        """Make a task a child of the run's."""


def send_attempt(attempt: Attempt, tracker: Tracker, results: Path) -> bool:
    """Send what is new, under the caller's lock; return whether all up to the end was sent."""
    state = attempt.state(tracker.name)
    start = attempt.start()
    if state.get("done") or start is None:
        return bool(state.get("done"))
    run = run_task(attempt, start, tracker, results)
    if "task" not in state:
        state |= {"task": tracker.open(start, run), "parent": run, "offset": 0}
        attempt.save(tracker.name, state)
    if run and not state.get("parent"):
        tracker.link(state["task"], run)
        state["parent"] = run
    return drain(attempt, tracker, start, state)


def drain(attempt: Attempt, tracker: Tracker, start: Event, state: dict[str, Any]) -> bool:
    """Send batch by batch, noting each, until the log has no more."""
    while not state.get("done"):
        events, offset = attempt.read(state["offset"])
        if not events:
            break
        tracker.send(state["task"], start, events)
        state |= {"offset": offset, "done": events[-1].get("kind") == "end", "error": None}
        attempt.save(tracker.name, state)
    return bool(state.get("done"))


def run_task(attempt: Attempt, start: Event, tracker: Tracker, results: Path) -> str | None:
    """Return the task of the workflow run that a job belongs to, making it if need be."""
    run = parent(attempt, start, results)
    if run is None:
        return None
    known = run.state(tracker.name).get("task")
    if known:
        return known
    try:
        with run.lock(wait=5):
            send_attempt(run, tracker, results)
    except Busy:
        return None
    return run.state(tracker.name).get("task")
