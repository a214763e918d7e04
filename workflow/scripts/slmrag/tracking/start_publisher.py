"""Starts a run's publisher beside the driver, and ends it with the run."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from slmrag.tracking.backends import is_configured
from slmrag.tracking.settings import settings
from slmrag.tracking.sync_process import Outcome, outcome_of_stopped, parse_counts, python_path


class Publisher:
    """The publisher's process, in its own session; closing its standard input ends the run."""

    def __init__(self, results: Path, run: str, raw: Mapping[str, Any]):
        """Start the process for a run."""
        command = [sys.executable, "-P", "-m", "slmrag.tracking.publisher"]
        self.process = subprocess.Popen(
            [*command, str(results), run, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": python_path()},
            start_new_session=True,
        )
        assert self.process.stdin, "it was asked for"
        with suppress(OSError):
            self.process.stdin.write(json.dumps(dict(raw), default=str).encode() + b"\n")
            self.process.stdin.flush()

    def finish(self, seconds: float) -> Outcome | None:
        """Say that the run is over; return what was sent, None if the publisher had died.

        After ``seconds`` it is killed, whatever it does.
        """
        try:
            said, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as late:
            self.kill()
            return outcome_of_stopped(late.stdout or b"", seconds)
        with suppress(ValueError):
            return parse_counts(said)
        return None

    def kill(self) -> None:
        """Kill the guard and the worker."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start_publisher(results: Path, run: str, raw: Mapping[str, Any]) -> Publisher | None:
    """Return a publisher if there is a server to send to, else None; never raise."""
    with suppress(Exception):
        chosen = settings(raw)
        if chosen.is_on and chosen.mode != "offline" and is_configured(chosen):
            return Publisher(results, run, raw)
    return None
