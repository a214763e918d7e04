"""A job's attempts: each has its event log, its lock, and the state of its upload."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from slmrag.files import atomic, write_json
from slmrag.job.events import Event, find_end, read_events
from slmrag.job.processes import begin_time

RUN_ID_VARIABLE = "SLMRAG_RUN_ID"
"""Names the run of the workflow in the environment of its jobs."""

EVENTS_PER_BATCH = 500
SILENT_SECONDS = 900.0
"""An attempt on another machine counts as dead after so many seconds without an event."""

CLOCK_SECONDS = 3600.0
"""A process that began so much later than a log has only got the same number."""

MAINTENANCE_RULES = frozenset(
    {"journal", "prune_journal", "clean_experiment", "sync_tracking", "power"}
)
"""Rules that make no file and are not part of a run: they maintain folders."""


def new_id() -> str:
    """Return an id that sorts by time and is unique across machines."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid4().hex[:12]}"


class AttemptBusy(Exception):
    """Another process is sending this attempt."""


@dataclass(frozen=True, order=True)
class Attempt:
    """One run of a job, by the path of its event log ``attempts/{id}.jsonl``."""

    path: Path

    @property
    def id(self) -> str:
        """The attempt's id."""
        return self.path.stem

    @property
    def log(self) -> Path:
        """The attempt's own log, which may be absent."""
        return self.path.with_suffix(".log")

    def start(self) -> Event | None:
        """Return the first event, or None where nothing was written yet."""
        events, _ = self.read(0, 1)
        return events[0] if events and events[0].get("kind") == "start" else None

    def read(
        self, offset: int, count: int = EVENTS_PER_BATCH, end: int | None = None
    ) -> tuple[list[Event], int]:
        """Return up to ``count`` whole events between byte offsets, and the offset after them."""
        found = list(islice(read_events(self.path, offset), count))
        found = [one for one in found if end is None or one[1] <= end]
        return [event for event, _ in found], found[-1][1] if found else offset

    def state(self, target: str) -> dict[str, Any]:
        """Return what was sent to ``target``: task, offset in bytes, parent, done."""
        try:
            return json.loads(self._state_path(target).read_text())
        except (OSError, ValueError):
            return {}

    def save(self, target: str, state: dict[str, Any]) -> None:
        """Save what was sent to ``target``."""
        write_json(state, self._state_path(target))

    @contextmanager
    def lock(self, wait: float = 0.0) -> Iterator[None]:
        """Hold the attempt's lock; raise Busy if another process has it for ``wait`` seconds."""
        with open(self.path.with_suffix(".lock"), "w") as file:
            deadline = time.monotonic() + wait
            while not _try_lock(file.fileno()):
                if time.monotonic() >= deadline:
                    raise AttemptBusy(self.id)
                time.sleep(0.05)
            yield

    def end_event(self) -> Event:
        """Return the end event, empty if the attempt has not ended."""
        with open(self.path, "rb") as file:
            return find_end(file)

    def has_ended(self) -> bool:
        """Return whether the log has its end event."""
        return bool(self.end_event())

    def is_dead(self) -> bool:
        """Return whether the attempt's process is gone, as far as this machine can tell."""
        start = self.start() or {}
        if start.get("host") == os.uname().nodename and start.get("pid"):
            begun = begin_time(start["pid"])
            return begun is None or begun > start.get("time", begun) + CLOCK_SECONDS
        return time.time() - self.path.stat().st_mtime > SILENT_SECONDS

    def _state_path(self, target: str) -> Path:
        return self.path.with_suffix(f".{target}.json")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # a file system without locks: the tracker is searched before a task is made
    return True


def find_attempts(results: Path) -> list[Attempt]:
    """Return all attempts below a results folder: runs that had jobs first, then jobs, by time."""
    found = sorted(map(Attempt, (results / "jobs").glob("**/attempts/*.jsonl")), key=attempt_id)
    runs = [attempt for attempt in found if is_workflow_run(attempt)]
    jobs = [
        attempt for attempt in found if rule_of(attempt) not in ("workflow", *MAINTENANCE_RULES)
    ]
    begun = {(attempt.start() or {}).get("run") for attempt in jobs}
    return [attempt for attempt in runs if attempt.id in begun] + jobs


def attempt_id(attempt: Attempt) -> str:
    """Return the id of an attempt, which sorts by time."""
    return attempt.id


def rule_of(attempt: Attempt) -> str | None:
    """Return the rule of an attempt, None where its log is empty."""
    return (attempt.start() or {}).get("rule")


def attempt_log(folder: Path, name: str) -> Path:
    """Return the path of the event log of a job's attempt."""
    return folder / "attempts" / f"{name}.jsonl"


def begin_attempt(folder: Path, name: str) -> Path:
    """Create the log of a new attempt; ``events.jsonl`` links to it from now on."""
    path = attempt_log(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with atomic(folder / "events.jsonl") as latest:
        link_file(path, latest)
    return path


def link_file(target: Path, link: Path) -> None:
    """Make a link to a file: a hard one, or a relative symlink where the file system has none."""
    try:
        os.link(target, link)
    except OSError:
        folder = os.path.realpath(link.parent)
        link.symlink_to(os.path.relpath(os.path.abspath(target), folder))


def latest_attempt(folder: Path) -> Attempt | None:
    """Return a job's newest attempt by the path of its own log, None if there is none."""
    with suppress(OSError):
        start = Attempt(folder / "events.jsonl").start() or {}
        return Attempt(attempt_log(folder, start["id"])) if "id" in start else None
    return None


def is_workflow_run(attempt: Attempt) -> bool:
    """Return whether the attempt is a whole workflow run."""
    return rule_of(attempt) == "workflow"


def parent_run(attempt: Attempt, start: Event, results: Path) -> Attempt | None:
    """Return the workflow run that a job belongs to, if its log is here."""
    run = start.get("run")
    if not run or is_workflow_run(attempt):
        return None
    found = sorted((results / "jobs" / "workflow" / run / "attempts").glob("*.jsonl"))
    return Attempt(found[0]) if found else None
