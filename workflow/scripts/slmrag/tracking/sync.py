"""Sends attempts that were kept: each only once, however often this runs, also in parallel.

``python -m slmrag.tracking.sync RESULTS`` reads settings as a line of JSON from standard input and
prints the counts so far, after each attempt and at the end, as a line of JSON.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from slmrag.config.redaction import redact
from slmrag.job.attempts import Attempt, AttemptBusy, find_attempts
from slmrag.job.killed_jobs import close_log_of_dead_job, close_logs_of_dead_jobs
from slmrag.tracking.backends import connect_tracker, is_configured
from slmrag.tracking.clearml import offline
from slmrag.tracking.send import send_attempt
from slmrag.tracking.settings import Settings, settings

Counts = dict[str, int]
ReportProgress = Callable[[Counts, str | None], None]
LOCK_SECONDS = 5.0
MAX_FAILURES = 3
"""Failures after which the rest is kept without trying."""


def synchronize(
    results: Path, chosen: Settings, tell: ReportProgress = lambda *_: None
) -> tuple[Counts, str | None]:
    """Return how many attempts were sent, kept, busy and still running, and the first failure.

    First, dead attempts get their end event, whether or not anything is sent. ``tell`` is called
    with the same after each attempt, where the rest counts as kept.
    """
    close_logs_of_dead_jobs(results)
    if not chosen.is_on:
        return {}, None
    if chosen.mode == "offline" or (chosen.mode == "auto" and not is_configured(chosen)):
        return write_sessions(results, chosen, tell)
    return send_to_server(results, chosen, tell)


def write_sessions(
    results: Path, chosen: Settings, tell: ReportProgress
) -> tuple[Counts, str | None]:
    """Write importable sessions if the tracker has such, else keep the events."""
    if chosen.backend != "clearml":
        return {"kept": len(pending_attempts(results, chosen.backend))}, None
    if not pending_attempts(results, offline.OFFLINE_TARGET):
        return {"sessions": 0}, None
    with offline.offline_workspace():
        return process_pending(
            results,
            offline.OFFLINE_TARGET,
            "sessions",
            lambda attempt: offline.write_session(attempt, results, chosen),
            tell,
        )


def send_to_server(
    results: Path, chosen: Settings, tell: ReportProgress
) -> tuple[Counts, str | None]:
    """Send to the server."""
    waiting = pending_attempts(results, chosen.backend)
    if not waiting:
        return {"sent": 0}, None
    try:
        tracker = connect_tracker(chosen)
    except Exception as error:
        return {"kept": len(waiting)}, describe_error(error)
    return process_pending(
        results,
        chosen.backend,
        "sent",
        lambda attempt: send_attempt(attempt, tracker, results),
        tell,
    )


def pending_attempts(results: Path, target: str) -> list[Attempt]:
    """Return the attempts that are not completely sent."""
    return [attempt for attempt in find_attempts(results) if not attempt.state(target).get("done")]


def process_pending(
    results: Path, target: str, word: str, action: Callable[[Attempt], bool], tell: ReportProgress
) -> tuple[Counts, str | None]:
    """Apply an action to each pending attempt under its lock; a failed one is kept."""
    counts: Counts = {word: 0}
    failure, waiting = None, pending_attempts(results, target)
    for left, attempt in zip(range(len(waiting) - 1, -1, -1), waiting, strict=True):
        if counts.get("kept", 0) >= MAX_FAILURES:
            counts["kept"] += 1
            continue
        try:
            with attempt.lock(LOCK_SECONDS):
                if not attempt.has_ended() and attempt.is_dead():
                    close_log_of_dead_job(attempt)
                outcome = word if action(attempt) else "running"
        except AttemptBusy:
            outcome = "busy"
        except Exception as error:
            outcome, failure = "kept", failure or describe_error(error)
        counts[outcome] = counts.get(outcome, 0) + 1
        tell(counts | {"kept": counts.get("kept", 0) + left}, failure)
    return counts, failure


def describe_error(error: BaseException) -> str:
    """Return an error in one line without secrets."""
    return redact(f"{type(error).__name__}: {error}").strip().replace("\n", " ")[:500]


def main(results: str) -> None:
    """Synchronize, and print counts and failure as JSON on the real standard output."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(counts: Counts, failure: str | None) -> None:
        print(json.dumps({"counts": counts, "failure": failure}), file=answer, flush=True)

    tell(*synchronize(Path(results), settings(json.loads(sys.stdin.readline())), tell))
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
