"""Starts a job's publisher beside it, and releases it at the job's end."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from slmrag.job.attempts import Attempt
from slmrag.tracking.backends import is_configured
from slmrag.tracking.settings import Settings, settings

SCRIPTS = Path(__file__).resolve().parents[2]
BATCH_SYSTEMS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")


class Publisher:
    """The publisher's process, in its own session; closing its standard input ends the job."""

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
        """Tell the publisher that the job is over; wait only if the batch system would kill it.

        Killed, it would leave a started task open; what was not started is sent at the run's end.
        """
        with suppress(OSError):
            self._end_of_job.close()
        begun = "task" in self.attempt.state(self.settings.backend)
        seconds = seconds_to_wait(self.settings, begun)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            if seconds >= self.settings.deadline_seconds:  # a guard that hangs itself
                os.killpg(self.process.pid, signal.SIGKILL)


def python_path() -> str:
    """Return the PYTHONPATH on which a child process finds this package."""
    return os.pathsep.join(filter(None, [str(SCRIPTS), os.environ.get("PYTHONPATH")]))


def seconds_to_wait(chosen: Settings, begun: bool) -> float:
    """Return the seconds that a job waits for its publisher: 0 outside a batch system."""
    if chosen.wait_seconds is not None:
        return min(chosen.wait_seconds, chosen.deadline_seconds)
    batch = begun and any(name in os.environ for name in BATCH_SYSTEMS)
    return chosen.deadline_seconds if batch else 0.0


def start_publisher(log: Path, results: Path, raw: dict[str, Any]) -> Publisher | None:
    """Return a publisher if there is a server to send to, else None; never raise."""
    with suppress(Exception):
        chosen = settings(raw)
        if chosen.is_on and chosen.mode != "offline" and is_configured(chosen):
            return Publisher(log, results, raw)
    return None
