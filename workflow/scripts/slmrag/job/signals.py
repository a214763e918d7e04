"""Graceful shutdown on SIGTERM and SIGINT, with a hard deadline."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from slmrag.job.processes import process_tree

GRACE_SECONDS = 3.0
"""Seconds after SIGTERM or SIGINT that a job has for an orderly end."""
END_SECONDS = 0.5
"""Seconds that writing the end event may take after that."""
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Deadline:
    """Ends this process and its descendants ``seconds`` after a signal, whatever they do.

    The interpreter's own handler wakes a thread through a pipe, so this works even if the main
    thread is inside a library, or if a library swallows the exception.
    """

    def __init__(self, write_end: Callable[[], Any], seconds: float = GRACE_SECONDS):
        """Start watching; ValueError outside the main thread."""
        self._write_end, self._seconds = write_end, seconds
        self._over = threading.Event()
        self._read, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        try:
            signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        except ValueError:
            os.close(self._read)
            os.close(self._wake)
            raise
        # A forked child shares the pipe, but its signals are not ours.
        os.register_at_fork(after_in_child=stop_wakeups)
        threading.Thread(target=self._watch, daemon=True, name="deadline").start()

    def close(self) -> None:
        """Stop watching."""
        with suppress(ValueError):
            signal.set_wakeup_fd(-1)
        self._over.set()
        os.close(self._wake)

    def _watch(self) -> None:
        while number := os.read(self._read, 1):
            if number[0] in ENDING_SIGNALS and not self._over.wait(self._seconds):
                writer = threading.Thread(target=self._write_end, daemon=True)
                writer.start()
                writer.join(END_SECONDS)
                exit_at_once(128 + number[0])
        os.close(self._read)


def stop_wakeups() -> None:
    """Stop waking the thread."""
    with suppress(ValueError):
        signal.set_wakeup_fd(-1)


def exit_at_once(status: int) -> None:
    """Kill all child processes, and exit without any cleanup of libraries."""
    kill_children()
    os._exit(status)


def kill_children() -> None:
    """Kill all descendants except those in a session of their own (log, tracker)."""
    session = os.getsid(0)
    for process in process_tree(os.getpid())[1:]:
        with suppress(OSError):
            if os.getsid(process) == session:
                os.kill(process, signal.SIGKILL)
