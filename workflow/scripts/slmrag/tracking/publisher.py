"""The one process beside a run's driver that sends its jobs' events: a worker, and its guard.

``python -m slmrag.tracking.publisher RESULTS RUN DRIVER`` reads settings as a line of JSON from
standard input. When that input ends, or the driver dies, the worker sends what is left, also of
earlier runs, and prints counts as ``slmrag.tracking.sync`` does. The guard waits for the worker
until the deadline and then kills it; if the guard itself hangs, the worker kills both a little
later.
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

from slmrag.tracking.follow import Follower
from slmrag.tracking.settings import settings
from slmrag.tracking.sync import Counts, Tell, print_counts, synchronize

MEMORY_BYTES = 2 * 2**30
"""Memory limit of a publisher: it must never take memory from jobs."""
POLL_SECONDS = 1.0
GUARD_SECONDS = 5.0
"""Seconds after the deadline before the guard itself counts as hung."""


def main(results: str, run: str, driver: str) -> None:
    """Guard a worker until it is done, or until the deadline after the driver's end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    chosen = settings(json.loads(sys.stdin.readline()))
    ends = [sys.stdin.fileno(), *watch_process(int(driver))]
    yield_memory_to_jobs()
    over, say_over = os.pipe()
    done, alive = os.pipe()  # the worker alone holds the second end: its death is an event too
    worker = os.fork()
    if worker == 0:
        os.close(say_over)
        os.close(done)
        bound = ([os.dup(end) for end in ends], chosen.deadline_seconds + GUARD_SECONDS)
        threading.Thread(target=kill_when_late, args=bound, daemon=True).start()
        send_until_end(Follower(Path(results), run, chosen), over)
        os._exit(0)
    os.close(over)
    os.close(alive)
    guard_worker(worker, done, ends, say_over, chosen.deadline_seconds)


def watch_process(process: int) -> list[int]:
    """Return a descriptor that is ready when a process is gone; none if the kernel has no such.

    Standard input ends with the driver too, unless a child of the driver holds it open.
    """
    try:
        return [os.pidfd_open(process)]
    except ProcessLookupError:
        return [os.open(os.devnull, os.O_RDONLY)]  # always ready
    except (OSError, AttributeError):  # before Linux 5.3, or a Python built there
        return []


def yield_memory_to_jobs() -> None:
    """Make the kernel kill this process first when memory runs out, and limit its own memory."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def guard_worker(worker: int, done: int, ends: list[int], say_over: int, deadline: float) -> None:
    """Wait for the worker's end, a pipe; once the driver is over, no longer than the deadline."""
    ready, _, _ = select.select([done, *ends], [], [])
    os.close(say_over)
    if done not in ready:
        ready, _, _ = select.select([done], [], [], deadline)
    if done not in ready:
        os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)


def kill_when_late(ends: list[int], seconds: float) -> None:
    """Kill this process and its guard ``seconds`` after the driver's end."""
    select.select(ends, [], [])
    time.sleep(seconds)
    os.killpg(0, signal.SIGKILL)


def send_until_end(follower: Follower, over: int) -> None:
    """Follow the run until it is over; then send what is left, and print counts."""
    tell = print_counts(take_output())
    while not select.select([over], [], [], POLL_SECONDS)[0]:
        follower.step()
    follower.step(last=True)
    finish(follower, tell)


def take_output() -> int:
    """Return standard output, and discard what libraries print from now on."""
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return answer


def finish(follower: Follower, tell: Tell) -> None:
    """Send what is left of this and of earlier runs; tell the counts with those of the run."""

    def with_sent(counts: Counts, failure: str | None) -> None:
        tell(counts | {"sent": counts.get("sent", 0) + follower.sent}, failure)

    with_sent(*synchronize(follower.results, follower.settings, with_sent))


if __name__ == "__main__":
    main(*sys.argv[1:4])
