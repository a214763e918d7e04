"""A job's log: the output of the job and its children, without secrets."""

import logging
import os
import select
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from slmrag.config.redaction import redact
from slmrag.job import progress
from slmrag.job.attempts import Attempt
from slmrag.job.log_file import open_log
from slmrag.job.log_process import EXIT_INCOMPLETE, pump
from slmrag.job.processes import is_working

DRAIN_SECONDS = 2.0
MAX_DRAINS = 10
SETTLE_SECONDS = 1.0
SETTLE_STEP_SECONDS = 0.005
PUMP_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from slmrag.job.log_process import main; main()"
)


class RedactingFormatter(logging.Formatter):
    """A log format that masks secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line without secrets."""
        return redact(super().format(record))


class JobLog:
    """Redirects this process's and its children's output to a file while it is open."""

    def __init__(self, path: str | os.PathLike[str] | None, events: Path | None = None):
        """Name the declared log, or None to leave all output on the terminal, and the event log.

        The attempt's own log lies beside its event log. If the job is killed, the process that
        writes the log also ends the event log.
        """
        self.events = events
        self.path = Path(path) if path else None
        self.terminal: TextIO = sys.stderr
        self.process: subprocess.Popen[bytes] | None = None
        self._saved: list[int] = []
        self._source = -1
        self._watch: threading.Thread | None = None

    def __enter__(self) -> "JobLog":
        """Redirect all output to the log; warnings also go to the terminal."""
        if self.path:
            self._redirect(self.path)
            progress.show_on(self.terminal)
        logging.basicConfig(force=True, level=logging.INFO, handlers=self._handlers())
        return self

    def __exit__(self, *_: Any) -> None:
        """Restore the output, and wait briefly until everything is in the log."""
        sys.stdout.flush()
        sys.stderr.flush()
        logging.basicConfig(force=True)
        progress.show_on(None)
        for number, saved in zip((1, 2), self._saved, strict=False):
            os.dup2(saved, number)
            os.close(saved)
        self._drain()
        if self.process and self.process.poll() == EXIT_INCOMPLETE:
            self.say(f"warning: {self.path} lacks its end: it could not be written")
        self._saved, self.process = [], None

    def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """Wait until all whole lines that were printed are in the log, at most ``seconds``."""
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        deadline = time.monotonic() + seconds
        while self.process and time.monotonic() < deadline and self._is_busy(self.process.pid):
            time.sleep(SETTLE_STEP_SECONDS)

    def _is_busy(self, process: int) -> bool:
        """Return whether there is something to read or to write; in this order, or it is missed."""
        return has_unread(self._source) or is_working(process)

    def _drain(self) -> None:
        """Wait for the end of the pipe, or, if a child holds it open, until it is empty."""
        if self._watch is None:
            return
        for _ in range(MAX_DRAINS):
            self._watch.join(DRAIN_SECONDS)
            if not self._watch.is_alive() or not has_unread(self._source):
                return

    def say(self, line: str) -> None:
        """Show one line on the terminal."""
        start = progress.line_start(self.terminal)
        print(f"{start}{redact(line)}", file=self.terminal, flush=True)

    def _redirect(self, path: Path) -> None:
        file = open_log(path, Attempt(self.events).log if self.events else None)
        sys.stdout.flush()
        sys.stderr.flush()
        self._saved = [os.dup(1), os.dup(2)]
        self.terminal = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
        source, into = os.pipe()
        self.process = start_pump(source, file, self.events)
        for number in (1, 2):
            os.dup2(into, number)
        os.close(into)
        arguments = (self.process, source, file)
        self._source = source
        self._watch = threading.Thread(target=replace_pump, args=arguments, daemon=True)
        self._watch.start()

    def _handlers(self) -> list[logging.Handler]:
        log = logging.StreamHandler(sys.stderr)
        log.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        if not self.path:
            return [log]
        terminal = logging.StreamHandler(self.terminal)
        terminal.setLevel(logging.WARNING)
        start = progress.line_start(self.terminal)
        terminal.setFormatter(RedactingFormatter(f"{start}%(levelname)s: %(message)s"))
        return [log, terminal]


def has_unread(pipe: int) -> bool:
    """Return whether there is something in a pipe; False if it is closed."""
    with suppress(OSError):
        return bool(select.select([pipe], [], [], 0)[0])
    return False


def start_pump(source: int, file: int, events: Path | None) -> subprocess.Popen[bytes]:
    """Start the process that writes a pipe's content to the log without secrets."""
    package = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-S", "-P", "-c", PUMP_CODE, package, str(os.getpid())]
    command += [str(events)] if events else []
    return subprocess.Popen(
        command, stdin=source, stdout=file, stderr=subprocess.DEVNULL, start_new_session=True
    )


def replace_pump(process: subprocess.Popen[bytes], source: int, file: int) -> None:
    """Take over if the log process was killed, so that no writer blocks or fails."""
    process.wait()
    with suppress(OSError):
        pump(source, file)
