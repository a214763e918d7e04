"""Sends one attempt's log to a tracker, from where the last upload ended."""

from pathlib import Path
from typing import Any, Protocol

from slmrag.job.attempts import Attempt, AttemptBusy, parent_run
from slmrag.job.events import Event


class Tracker(Protocol):
    """The interface of trackers; repeating a call has no further effect."""

    name: str

    def open(self, start: Event, parent: str | None) -> str:
        """Find or create the attempt's task; return its id."""

    def send(self, task: str, start: Event, events: list[Event]) -> None:
        """Report a batch of events."""

    def link(self, task: str, parent: str) -> None:
        """Make a task a child of the run's."""


def send_attempt(attempt: Attempt, tracker: Tracker, results: Path) -> bool:
    """Send new events, under the caller's lock; return whether all up to the end are sent."""
    state = attempt.state(tracker.name)
    start = attempt.start()
    if state.get("done") or start is None:
        return bool(state.get("done"))
    run = task_of_run(attempt, start, tracker, results)
    if "task" not in state:
        state |= {"task": tracker.open(start, run), "parent": run, "offset": 0}
        attempt.save(tracker.name, state)
    if run and not state.get("parent"):
        tracker.link(state["task"], run)
        state["parent"] = run
    return send_rest(attempt, tracker, start, state)


def send_rest(attempt: Attempt, tracker: Tracker, start: Event, state: dict[str, Any]) -> bool:
    """Send the rest of the log batch by batch, and save the state after each."""
    while not state.get("done"):
        events, offset = attempt.read(state["offset"])
        if not events:
            break
        tracker.send(state["task"], start, events)
        state |= {"offset": offset, "done": events[-1].get("kind") == "end", "error": None}
        attempt.save(tracker.name, state)
    return bool(state.get("done"))


def task_of_run(attempt: Attempt, start: Event, tracker: Tracker, results: Path) -> str | None:
    """Return the task of a job's workflow run, created if it does not exist."""
    run = parent_run(attempt, start, results)
    if run is None:
        return None
    known = run.state(tracker.name).get("task")
    if known:
        return known
    try:
        with run.lock(wait=5):
            send_attempt(run, tracker, results)
    except AttemptBusy:
        return None
    return run.state(tracker.name).get("task")
