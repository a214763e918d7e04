"""Sends one job's events while it runs: a worker, and a guard that gives it a deadline.

``python -m slmrag.tracking.publisher LOG RESULTS`` reads settings as a line of JSON from standard
input. When that input ends, or the job dies, the guard waits for the worker until the deadline and
then kills it. If the guard itself hangs, the worker kills both a little later.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
import threading
import time
from pathlib import Path

from slmrag.config.redaction import redact
from slmrag.job.attempts import Attempt, AttemptBusy
from slmrag.job.killed_jobs import close_log_of_dead_job
from slmrag.tracking.backends import connect_tracker
from slmrag.tracking.send import Tracker, send_attempt
from slmrag.tracking.settings import Settings, settings

MEMORY_BYTES = 2 * 2**30
"""Memory limit of a publisher: it must never take memory from its job."""
POLL_SECONDS = 1.0
PAUSE_SECONDS = 15.0
GUARD_SECONDS = 5.0
"""Seconds after the deadline before the guard itself counts as hung."""


def main(log: str, results: str) -> None:
    """Guard a worker until it is done, or until the deadline after the job's end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    job = os.pidfd_open(os.getppid())
    chosen = settings(json.loads(sys.stdin.readline()))
    yield_memory_to_job()
    over, say_over = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(say_over)
        ends = [job, os.dup(sys.stdin.fileno())]
        bound = (ends, chosen.deadline_seconds + GUARD_SECONDS)
        threading.Thread(target=kill_when_late, args=bound, daemon=True).start()
        send_until_end(Attempt(Path(log)), Path(results), chosen, over)
        os._exit(0)
    os.close(over)
    guard_worker(worker, job, say_over, chosen.deadline_seconds)


def yield_memory_to_job() -> None:
    """Make the kernel kill this process first when memory runs out, and limit its own memory."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def guard_worker(worker: int, job: int, say_over: int, deadline: float) -> None:
    """Wait for the worker; once the job is over, no longer than the deadline."""
    done = os.pidfd_open(worker)
    ready, _, _ = select.select([done, job, sys.stdin], [], [])
    os.close(say_over)
    if done not in ready:
        ready, _, _ = select.select([done], [], [], deadline)
    if done not in ready:
        os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)


def kill_when_late(ends: list[int], seconds: float) -> None:
    """Kill this process and its guard ``seconds`` after the job's end."""
    select.select(ends, [], [])
    time.sleep(seconds)
    os.killpg(0, signal.SIGKILL)


def send_until_end(attempt: Attempt, results: Path, chosen: Settings, over: int) -> None:
    """Follow the log under its lock until all is sent."""
    with contextlib.suppress(AttemptBusy), attempt.lock():
        silence_output(attempt)
        follow_log(attempt, results, chosen, over)


def silence_output(attempt: Attempt) -> None:
    """Discard what libraries print: a publisher reports only through its state file."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)


def follow_log(attempt: Attempt, results: Path, chosen: Settings, over: int) -> None:
    """Send batches as they arrive; after a failure, pause and reconnect."""
    tracker: Tracker | None = None
    while True:
        last = bool(select.select([over], [], [], 0)[0])
        if last and not attempt.has_ended():
            close_log_of_dead_job(attempt)
        pause = POLL_SECONDS
        try:
            tracker = tracker or connect_tracker(chosen)
            if send_attempt(attempt, tracker, results):
                return
        except Exception as error:
            tracker, pause = None, PAUSE_SECONDS
            record_failure(attempt, chosen, error)
        if last:
            return
        select.select([over], [], [], pause)


def record_failure(attempt: Attempt, chosen: Settings, error: Exception) -> None:
    """Write the error of a failed upload beside the log."""
    with contextlib.suppress(OSError):
        text = redact(f"{type(error).__name__}: {error}")[:2000]
        state = attempt.state(chosen.backend) | {"error": text, "error_time": time.time()}
        attempt.save(chosen.backend, state)


if __name__ == "__main__":
    main(*sys.argv[1:3])
