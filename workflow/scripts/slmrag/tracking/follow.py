"""Follows the logs of a run's jobs while they are written, and sends what is new."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from slmrag.job.attempts import Attempt, AttemptBusy, attempt_log, is_workflow_run
from slmrag.tracking.backends import connect_tracker
from slmrag.tracking.send import FilesRefused, Tracker, note_failure, send_attempt
from slmrag.tracking.settings import Settings

PAUSE_SECONDS = 15.0
"""Pause after a failure: of an attempt, or, if several fail in a row, of all."""
MAX_FAILURES = 3
KEEP_ALIVE_SECONDS = 300.0
"""A server stops tasks that are silent for two hours, unless it was set to less."""
SHARE_OF_SCANS = 0.1
"""Largest share of the time that is spent on looking for new logs: folders may be many and slow."""


@dataclass
class Followed:
    """An attempt whose end was not sent yet."""

    attempt: Attempt
    size: int = -1
    """Bytes of the event log and of the job's own log when they were sent last."""
    told: float = field(default_factory=time.monotonic)
    """When the tracker last heard of it."""
    not_before: float = 0.0


class Follower:
    """Sends the attempts of one workflow run; others are left to their own run or to a sync."""

    def __init__(self, results: Path, run: str, chosen: Settings):
        """Follow what a run writes below its experiment's folder."""
        self.results, self.run, self.settings = results, run, chosen
        self.known: set[Path] = set()
        self.open: dict[Path, Followed] = {}
        self.has_jobs = False
        """A run without jobs has no task."""
        self.sent = 0
        self.tracker: Tracker | None = None
        self._failures = 0
        self._not_before = 0.0
        self._next_scan = 0.0
        self._next_beat = 0.0
        self._next_reset = 0.0

    def step(self, last: bool = False) -> None:
        """Send what is new; the last time, whatever was paused too."""
        now = time.monotonic()
        self.beat(now)
        if last or now >= self._next_scan:
            self.scan()
            spent = time.monotonic() - now
            self._next_scan = now + spent / SHARE_OF_SCANS
        self.forgive_store(now)
        for followed in list(self.open.values()):
            if last or time.monotonic() >= max(self._not_before, followed.not_before):
                self.advance(followed, last)

    def beat(self, now: float) -> None:
        """Renew the time of the run's log: another machine takes a silent run for dead."""
        if now >= self._next_beat:
            self._next_beat = now + KEEP_ALIVE_SECONDS
            with suppress(OSError):
                os.utime(attempt_log(self.results / "jobs" / "workflow" / self.run, self.run))

    def scan(self) -> None:
        """Find the logs that this run began since the last scan, whatever is removed meanwhile."""
        with suppress(OSError):
            for path in sorted(set(find_logs(self.results / "jobs")) - self.known):
                with suppress(OSError):
                    self.add(Attempt(path))

    def add(self, attempt: Attempt) -> None:
        """Follow an attempt that has begun if it is of this run."""
        start = attempt.start()
        if start is None:
            return
        self.known.add(attempt.path)
        if start.get("run") == self.run:
            self.open[attempt.path] = Followed(attempt)
            self.has_jobs |= start.get("rule") != "workflow"

    def advance(self, followed: Followed, last: bool) -> None:
        """Send an attempt's new events, or a sign of life; a failure never leaves this method."""
        attempt = followed.attempt
        try:
            size = bytes_written(attempt)
            if size == followed.size and not last:
                return self.keep_alive(followed)
            if is_workflow_run(attempt) and not self.has_jobs:
                return
            tracker = self.connected()
            with attempt.lock():
                over = send_attempt(attempt, tracker, self.results)
            followed.size, followed.told, self._failures = size, time.monotonic(), 0
            if over:
                self.close(followed)
        except AttemptBusy:
            pass
        except FilesRefused:
            del self.open[attempt.path]  # the sync at the run's end tries again
        except Exception as error:
            if os.path.exists(attempt.path):
                self.fail(followed, error)
            else:  # its folder was removed; it is found again if it comes back
                del self.open[attempt.path]
                self.known.discard(attempt.path)

    def close(self, followed: Followed) -> None:
        """Count an attempt that is sent to its end, and follow it no more."""
        del self.open[followed.attempt.path]
        self.sent += 1

    def keep_alive(self, followed: Followed) -> None:
        """Give a sign of life for a task that is silent for long, if its process lives."""
        if time.monotonic() - followed.told < KEEP_ALIVE_SECONDS or followed.attempt.is_dead():
            return
        task = followed.attempt.state(self.settings.backend).get("task")
        if task:
            self.connected().keep_alive(task)
        followed.told = time.monotonic()

    def forgive_store(self, now: float) -> None:
        """Let files be tried again from time to time after the store refused some."""
        if self.tracker and now >= self._next_reset:
            self.tracker.refusals, self._next_reset = 0, now + KEEP_ALIVE_SECONDS

    def connected(self) -> Tracker:
        """Return the tracker, after a login if there is none yet."""
        try:
            self.tracker = self.tracker or connect_tracker(self.settings)
        except Exception:
            self._failures = MAX_FAILURES
            raise
        return self.tracker

    def fail(self, followed: Followed, error: Exception) -> None:
        """Pause an attempt; after several failures in a row pause all, and log in again then.

        It goes behind the others: those that always fail must not hold up the rest.
        """
        self.open[followed.attempt.path] = self.open.pop(followed.attempt.path)
        followed.not_before = time.monotonic() + PAUSE_SECONDS
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            self.tracker, self._not_before = None, followed.not_before
        note_failure(followed.attempt, self.settings.backend, error)


def bytes_written(attempt: Attempt) -> int:
    """Return the bytes of an attempt's events and of its own log."""
    size = attempt.path.stat().st_size
    with suppress(OSError):
        size += attempt.log.stat().st_size
    return size


def find_logs(folder: Path) -> Iterator[Path]:
    """Yield the event logs of all attempts below a folder of jobs."""
    return folder.glob("**/attempts/*.jsonl")
