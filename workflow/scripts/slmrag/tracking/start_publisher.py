"""Start a job's publisher beside it, and let go of it at the job's end."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from slmrag.job.attempts import Attempt
from slmrag.tracking.backends import configured
from slmrag.tracking.settings import Settings, settings

SCRIPTS = Path(__file__).resolve().parents[2]
BATCH_SYSTEMS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")


class Publisher:
    """A process in a session of its own; the end of its standard input is the end of the job."""

    def __init__(self, log: Path, results: Path, raw: dict[str, Any]):
        """Start the process for an attempt's log."""
        self.settings, self.attempt = settings(raw), Attempt(log)
        command = [sys.executable, "-P", "-m", "slmrag.tracking.publisher", str(log), str(results)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": python_path()},
            start_new_session=True,
            text=True,
        )
        assert self.process.stdin, "it was asked for"
        self._end_of_job = self.process.stdin
        with suppress(OSError):
            self._end_of_job.write(json.dumps(raw, default=str) + "\n")
            self._end_of_job.flush()

    def finish(self) -> None:
        """Say that the job is over; wait only where the batch system would end the publisher.

        It would leave a task open that has been begun; what was not begun the run's end sends.
        """
        with suppress(OSError):
            self._end_of_job.close()
        begun = "task" in self.attempt.state(self.settings.backend)
        seconds = waiting(self.settings, begun)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            if seconds >= self.settings.deadline_seconds:  # a guard that hangs itself
                os.killpg(self.process.pid, signal.SIGKILL)


def python_path() -> str:
    """Return the path on which a child finds this package."""
    return os.pathsep.join(filter(None, [str(SCRIPTS), os.environ.get("PYTHONPATH")]))


def waiting(chosen: Settings, begun: bool) -> float:
    """Return for how many seconds a job waits for its publisher: 0 outside of a batch system."""
    if chosen.wait_seconds is not None:
        return min(chosen.wait_seconds, chosen.deadline_seconds)
    batch = begun and any(name in os.environ for name in BATCH_SYSTEMS)
    return chosen.deadline_seconds if batch else 0.0


def start_publisher(log: Path, results: Path, raw: dict[str, Any]) -> Publisher | None:
    """Return a publisher where there is a server to send to, else None; never raise."""
    with suppress(Exception):
        chosen = settings(raw)
        if chosen.on and chosen.mode != "offline" and configured(chosen):
            return Publisher(log, results, raw)
    return None
