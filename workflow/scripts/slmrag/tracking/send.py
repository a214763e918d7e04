"""Sends one attempt's log to a tracker, from where the last upload ended.

What was sent is kept beside the log: ``task``, ``parent``; ``reported``, the bytes of the log whose
points and lines were accepted; ``reporting``, present while a request for them has no answer;
``console``, the last part of the job's own log that was shown; ``pending``, parts in that request;
``offset``, the bytes whose files and end were sent too; ``ended``; ``files``, the events of files
that were refused; ``error``; ``done``.
"""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from slmrag.config.redaction import redact
from slmrag.job.attempts import Attempt, AttemptBusy, parent_run
from slmrag.job.events import Event, measure_file
from slmrag.tracking.console import log_events, next_part

FILE_KINDS = frozenset({"artifact", "table", "plot"})
"""Kinds of events that may need a file at the store, which can be another server."""
ENTRY_KINDS = frozenset({"model", "alert", "note"})
"""Kinds of events that are entries or tags at the server."""
MAX_REFUSALS = 3
"""Refused files in a row after which no file is tried for a while: each may take a minute."""


class FilesRefused(Exception):
    """All was sent but some files; they are kept for the next sync."""


class Tracker(Protocol):
    """The interface of trackers; repeating a call has no further effect."""

    name: str
    refusals: int
    """Files refused in a row."""

    def open(self, start: Event, parent: str | None) -> str:
        """Find or create the attempt's task; return its id."""

    def report(self, task: str, start: Event, events: list[Event], again: bool) -> None:
        """Report the points and lines of a batch; look for lines that are there if ``again``."""

    def act(self, task: str, start: Event, event: Event) -> None:
        """Do the rest that an event asks for: a file, a model, a tag, the end."""

    def register_files(self, task: str) -> None:
        """Name the files that were sent in the task."""

    def link(self, task: str, parent: str) -> None:
        """Make a task a child of the run's."""

    def keep_alive(self, task: str) -> None:
        """Tell the server that a silent task is alive."""


def send_attempt(attempt: Attempt, tracker: Tracker, results: Path) -> bool:
    """Send new events, under the caller's lock; return whether all up to the end are sent.

    FilesRefused if files are left.
    """
    state = attempt.state(tracker.name)
    start = attempt.start()
    if state.get("done") or start is None:
        return bool(state.get("done"))
    whole = parent_run(attempt, start, results)
    run = task_of_run(whole, tracker, results) if whole else None
    start = with_run(start, whole.start() if whole else None)
    if "task" not in state:
        state |= {"task": tracker.open(start, run), "parent": run, "offset": 0}
        attempt.save(tracker.name, state)
    if run and not state.get("parent"):
        tracker.link(state["task"], run)
        state["parent"] = run
    kept = state.pop("files", [])
    state["files"] = send_files(tracker, state["task"], start, kept)
    while not state.get("ended") and send_batch(attempt, tracker, start, state):
        pass
    return close_state(attempt, tracker, state)


def with_run(start: Event, whole: Event | None) -> Event:
    """Return a job's start with what only its run's start says: config, packages, repository."""
    whole = whole or (start if start["rule"] == "workflow" else {})
    own = {name: value for name, value in (start.get("code") or {}).items() if value is not None}
    return start | {
        "config": whole.get("params") or {},
        "packages": start.get("packages") or whole.get("packages") or {},
        "code": (whole.get("code") or {}) | own,
    }


def send_batch(attempt: Attempt, tracker: Tracker, start: Event, state: dict[str, Any]) -> bool:
    """Send the next events, first points and lines, then the rest; return whether there were any.

    A server gives each line an id of its own, so what was accepted is saved before files are tried.
    """
    known = state.get("reported", 0)
    end = known if known > state["offset"] else None
    events, offset = attempt.read(state["offset"], end=end)
    if end is None and not send_report(attempt, tracker, start, state, events, offset):
        return False
    refused = act_on(tracker, state["task"], start, with_log(attempt, events))
    ended = bool(events) and events[-1].get("kind") == "end"
    state |= {"offset": offset, "ended": ended, "files": state["files"] + refused}
    attempt.save(tracker.name, state)
    return True


def send_report(
    attempt: Attempt,
    tracker: Tracker,
    start: Event,
    state: dict[str, Any],
    events: list[Event],
    offset: int,
) -> bool:
    """Send points, lines and what is new in the job's log; return whether there were any."""
    again, shown = "reporting" in state, state.get("pending") or []
    ended = bool(events) and events[-1].get("kind") == "end"
    new = next_part(attempt.log, shown[-1] if shown else state.get("console"), ended)
    shown = [*shown, new] if new else shown
    if not events and not shown:
        return False
    attempt.save(tracker.name, state | {"reporting": offset, "pending": shown})
    printed = [event for part in shown for event in log_events(attempt.log, part)]
    tracker.report(state["task"], start, [*printed, *events], again)
    state.pop("reporting", None)
    state.pop("pending", None)
    state |= {"reported": offset} | ({"console": shown[-1]} if shown else {})
    attempt.save(tracker.name, state)
    return True


def with_log(attempt: Attempt, events: list[Event]) -> list[Event]:
    """Return the events of a batch, with the job's log as a file before the end."""
    if not events or events[-1].get("kind") != "end" or not attempt.log.is_file():
        return events
    file = {"kind": "artifact", "name": "log", "path": str(attempt.log), "metadata": {}}
    size = {"time": events[-1].get("time"), **measure_file(attempt.log)}
    return [*events[:-1], file | size, events[-1]]


def act_on(tracker: Tracker, task: str, start: Event, events: list[Event]) -> list[Event]:
    """Do what events ask for, the end whatever a file did; return the events of refused files."""
    plain = [event for event in events if not may_be_refused(event)]
    end = [event for event in plain if event.get("kind") == "end"]
    for event in plain[: len(plain) - len(end)]:
        tracker.act(task, start, event)
    refused = send_files(tracker, task, start, [one for one in events if may_be_refused(one)])
    for event in end:
        tracker.act(task, start, event)
    return refused


def send_files(tracker: Tracker, task: str, start: Event, events: list[Event]) -> list[Event]:
    """Send files, then register them all at once; return the events of those that were refused."""
    tried = [(event, send_file(tracker, task, start, event)) for event in events]
    try:
        tracker.register_files(task)
    except Exception as error:
        tried = [(event, describe_error(error)) for event in events]
    return [event | {"refused": error} for event, error in tried if error]


def may_be_refused(event: Event) -> bool:
    """Return whether a refusal of an event holds up nothing else."""
    return needs_store(event) or event.get("kind") in ENTRY_KINDS


def needs_store(event: Event) -> bool:
    """Return whether an event asks for a file at the store, as a start with packages or diff."""
    if event.get("kind") == "start":
        return bool(event.get("packages") or (event.get("code") or {}).get("diff"))
    return event.get("kind") in FILE_KINDS


def send_file(tracker: Tracker, task: str, start: Event, event: Event) -> str | None:
    """Send a file or an entry; return why it was refused, None if it was not."""
    counts = needs_store(event)
    if counts and tracker.refusals >= MAX_REFUSALS:
        return event.get("refused") or "not tried: the files before it were refused"
    try:
        tracker.act(task, start, event)
    except Exception as error:
        tracker.refusals += counts
        return describe_error(error)
    tracker.refusals = 0 if counts else tracker.refusals
    return None


def close_state(attempt: Attempt, tracker: Tracker, state: dict[str, Any]) -> bool:
    """Save whether all was sent, and return it; FilesRefused if only files are left."""
    left, ended = state["files"], bool(state.get("ended"))
    state |= {"done": ended and not left, "error": left[0]["refused"] if left else None}
    attempt.save(tracker.name, state)
    if ended and left:
        what = "file" if all(map(needs_store, left)) else "part"
        number = f"a {what} was" if len(left) == 1 else f"{len(left)} {what}s were"
        raise FilesRefused(f"{number} refused: {left[0]['refused']}")
    return bool(state["done"])


def task_of_run(run: Attempt, tracker: Tracker, results: Path) -> str | None:
    """Return the task of a workflow run, created if it does not exist."""
    known = run.state(tracker.name).get("task")
    if known:
        return known
    try:
        with run.lock(wait=5):
            send_attempt(run, tracker, results)
    except AttemptBusy:
        return None
    return run.state(tracker.name).get("task")


def describe_error(error: BaseException) -> str:
    """Return an error in one line without secrets."""
    return redact(f"{type(error).__name__}: {error}").strip().replace("\n", " ")[:500]


def note_failure(attempt: Attempt, target: str, error: BaseException) -> None:
    """Save why an attempt was not sent, and when."""
    with suppress(OSError, AttemptBusy), attempt.lock():
        known = {"error": describe_error(error), "error_time": time.time()}
        attempt.save(target, attempt.state(target) | known)
