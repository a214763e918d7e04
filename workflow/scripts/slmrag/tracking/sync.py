"""Sends attempts that were kept: each only once, however often this runs, also in parallel.

``python -m slmrag.tracking.sync RESULTS`` reads settings as a line of JSON from standard input and
prints the counts so far, after each attempt and at the end, as a line of JSON.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from slmrag.job.attempts import (
    Attempt,
    AttemptBusy,
    find_attempts,
    is_workflow_run,
    parent_run,
)
from slmrag.job.killed_jobs import close_log_of_dead_job, close_logs_of_dead_jobs
from slmrag.tracking.backends import connect_tracker, is_configured
from slmrag.tracking.send import (
    FilesRefused,
    Tracker,
    describe_error,
    note_failure,
    send_attempt,
)
from slmrag.tracking.settings import Settings, settings

Counts = dict[str, int]
Tell = Callable[[Counts, str | None], None]
LOCK_SECONDS = 5.0
MAX_FAILURES = 3
"""Failures after which the rest is kept without trying."""


def synchronize(
    results: Path, chosen: Settings, tell: Tell = lambda *_: None
) -> tuple[Counts, str | None]:
    """Return how many attempts were sent, kept, busy and still running, and the first failure.

    First, dead attempts get their end event, whether or not anything is sent. ``tell`` is called
    with the same after each attempt, where the rest counts as kept.
    """
    close_logs_of_dead_jobs(results)
    if not chosen.is_on:
        return {}, None
    waiting = pending_attempts(results, chosen.backend)
    if not waiting:
        return {"sent": 0}, None
    if reason := reason_to_keep(chosen):
        return {"kept": len(waiting)}, reason
    try:
        tracker = connect_tracker(chosen)
    except Exception as error:
        return {"kept": len(waiting)}, describe_error(error)
    return send_pending(waiting, results, tracker, tell)


def reason_to_keep(chosen: Settings) -> str | None:
    """Return why nothing is to be sent, None if it is."""
    if chosen.mode == "offline":
        return "tracking.mode is offline"
    return None if is_configured(chosen) else f"no {chosen.backend} server is configured"


def pending_attempts(results: Path, target: str) -> list[Attempt]:
    """Return the attempts that are not completely sent, last those that failed before.

    Some may always fail, as those whose task was deleted at the server; the rest must not wait.
    """
    states = [(attempt, attempt.state(target)) for attempt in find_attempts(results)]
    waiting = [(attempt, state) for attempt, state in states if not state.get("done")]
    return [attempt for attempt, _ in sorted(waiting, key=lambda one: bool(one[1].get("error")))]


def send_pending(
    waiting: list[Attempt], results: Path, tracker: Tracker, tell: Tell
) -> tuple[Counts, str | None]:
    """Send each attempt under its lock; a failed one is kept, and after several all."""
    counts: Counts = {"sent": 0}
    failure, failures = None, 0
    for left, attempt in zip(range(len(waiting) - 1, -1, -1), waiting, strict=True):
        if failures >= MAX_FAILURES:
            counts["kept"] += 1
            continue
        try:
            outcome = send_whole(attempt, results, tracker)
        except AttemptBusy:
            outcome = "busy"
        except Exception as error:
            outcome, failure = "kept", failure or describe_error(error)
            if not isinstance(error, FilesRefused):
                failures += 1
                note_failure(attempt, tracker.name, error)
        counts[outcome] = counts.get(outcome, 0) + 1
        tell(counts | {"kept": counts.get("kept", 0) + left}, failure)
    return counts, failure


def send_whole(attempt: Attempt, results: Path, tracker: Tracker) -> str:
    """Send an attempt, whose log is closed first if its process is gone; return the outcome.

    Attempts of a run whose driver lives are left to its own publisher.
    """
    run = parent_run(attempt, attempt.start() or {}, results) or attempt
    if is_workflow_run(run) and not run.has_ended() and not run.is_dead():
        return "running"
    with attempt.lock(LOCK_SECONDS):
        if not attempt.has_ended() and attempt.is_dead():
            close_log_of_dead_job(attempt)
        return "sent" if send_attempt(attempt, tracker, results) else "running"


def print_counts(descriptor: int) -> Tell:
    """Return a function that prints counts and failure as a line of JSON."""
    answer = os.fdopen(descriptor, "w")

    def tell(counts: Counts, failure: str | None) -> None:
        with suppress(OSError):  # whoever asked may be gone
            print(json.dumps({"counts": counts, "failure": failure}), file=answer, flush=True)

    return tell


def main(results: str) -> None:
    """Synchronize, and print counts and failure on the real standard output."""
    tell = print_counts(os.dup(1))
    os.dup2(2, 1)
    tell(*synchronize(Path(results), settings(json.loads(sys.stdin.readline())), tell))
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
