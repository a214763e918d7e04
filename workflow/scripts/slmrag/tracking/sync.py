"""Send what was kept: each attempt once, however often and by however many this is run.

``python -m slmrag.tracking.sync RESULTS`` reads settings as a line of JSON from standard input and
prints what it has done, after each attempt and at the end, as a line of JSON.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from slmrag.config.redaction import redact
from slmrag.job.attempts import Attempt, Busy, find
from slmrag.job.killed_jobs import close_log_of_dead_job, close_logs_of_dead_jobs
from slmrag.tracking.backends import configured, connect
from slmrag.tracking.clearml import offline
from slmrag.tracking.send import send_attempt
from slmrag.tracking.settings import Settings, settings

Counts = dict[str, int]
Tell = Callable[[Counts, str | None], None]
LOCK_SECONDS = 5.0
PATIENCE = 3
"""Failures after which the rest is kept without a try."""


def synchronize(
    results: Path, chosen: Settings, tell: Tell = lambda *_: None
) -> tuple[Counts, str | None]:
    """Return how many attempts were sent, kept, busy and still running, and the first failure.

    Attempts that died without a word are given their end first, whether or not anything is sent.
    ``tell`` is told the same after each attempt, with the rest counted as kept.
    """
    close_logs_of_dead_jobs(results)
    if not chosen.on:
        return {}, None
    if chosen.mode == "offline" or (chosen.mode == "auto" and not configured(chosen)):
        return to_sessions(results, chosen, tell)
    return to_server(results, chosen, tell)


def to_sessions(results: Path, chosen: Settings, tell: Tell) -> tuple[Counts, str | None]:
    """Write importable sessions where the tracker has such, else keep the events."""
    if chosen.backend != "clearml":
        return {"kept": len(pending(results, chosen.backend))}, None
    if not pending(results, offline.TARGET):
        return {"sessions": 0}, None
    with offline.workspace():
        return each(
            results,
            offline.TARGET,
            "sessions",
            lambda attempt: offline.convert(attempt, results, chosen),
            tell,
        )


def to_server(results: Path, chosen: Settings, tell: Tell) -> tuple[Counts, str | None]:
    """Send to the server."""
    waiting = pending(results, chosen.backend)
    if not waiting:
        return {"sent": 0}, None
    try:
        tracker = connect(chosen)
    except Exception as error:
        return {"kept": len(waiting)}, explain(error)
    return each(
        results,
        chosen.backend,
        "sent",
        lambda attempt: send_attempt(attempt, tracker, results),
        tell,
    )


def pending(results: Path, target: str) -> list[Attempt]:
    """Return the attempts of which something was not sent."""
    return [attempt for attempt in find(results) if not attempt.state(target).get("done")]


def each(
    results: Path, target: str, word: str, action: Callable[[Attempt], bool], tell: Tell
) -> tuple[Counts, str | None]:
    """Apply an action to each pending attempt under its lock; a failure keeps the attempt."""
    counts: Counts = {word: 0}
    failure, waiting = None, pending(results, target)
    for left, attempt in zip(range(len(waiting) - 1, -1, -1), waiting, strict=True):
        if counts.get("kept", 0) >= PATIENCE:
            counts["kept"] += 1
            continue
        try:
            with attempt.lock(LOCK_SECONDS):
                if not attempt.ended() and attempt.dead():
                    close_log_of_dead_job(attempt)
                outcome = word if action(attempt) else "running"
        except Busy:
            outcome = "busy"
        except Exception as error:
            outcome, failure = "kept", failure or explain(error)
        counts[outcome] = counts.get(outcome, 0) + 1
        tell(counts | {"kept": counts.get("kept", 0) + left}, failure)
    return counts, failure


def explain(error: BaseException) -> str:
    """Return a failure in one line without secrets."""
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
