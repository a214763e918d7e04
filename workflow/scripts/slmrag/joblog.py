"""A job's log: file descriptors 1 and 2 go to it, and the terminal stays within reach."""

import logging
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from slmrag import progress
from slmrag.redaction import clean_text


class RedactingFormatter(logging.Formatter):
    """A log format that masks secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line without secrets."""
        return clean_text(super().format(record))


class JobLog:
    """Redirects this process's and its children's output to a file while it is open."""

    def __init__(self, path: str | os.PathLike[str] | None):
        """Name the log, or None to leave all output on the terminal."""
        self.path = Path(path) if path else None
        self._saved: list[int] = []
        self.terminal: TextIO = sys.stderr

    def __enter__(self) -> "JobLog":
        """Redirect, and send logging to the log and warnings to the terminal too."""
        if self.path:
            self._redirect(self.path)
            progress.show_on(self.terminal)
        logging.basicConfig(force=True, level=logging.INFO, handlers=self._handlers())
        return self

    def __exit__(self, *_: Any) -> None:
        """Put the terminal back."""
        sys.stdout.flush()
        sys.stderr.flush()
        logging.basicConfig(force=True)
        progress.show_on(None)
        for number, saved in zip((1, 2), self._saved, strict=False):
            os.dup2(saved, number)
            os.close(saved)
        self._saved = []

    def say(self, line: str) -> None:
        """Show one line on the terminal."""
        print(clean_text(line), file=self.terminal, flush=True)

    def _redirect(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        sys.stdout.flush()
        sys.stderr.flush()
        self._saved = [os.dup(1), os.dup(2)]
        self.terminal = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.close(file)

    def _handlers(self) -> list[logging.Handler]:
        log = logging.StreamHandler(sys.stderr)
        log.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        if not self.path:
            return [log]
        terminal = logging.StreamHandler(self.terminal)
        terminal.setLevel(logging.WARNING)
        terminal.setFormatter(RedactingFormatter("%(levelname)s: %(message)s"))
        return [log, terminal]
