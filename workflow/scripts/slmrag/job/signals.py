"""Graceful shutdown on SIGTERM and SIGINT, with a hard deadline."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from slmrag.job.processes import tree

GRACE_SECONDS = 3.0
"""Seconds after SIGTERM or SIGINT in which a job may end in order."""
END_SECONDS = 0.5
"""Seconds that writing the end of a job that did not may take."""
ENDING = (signal.SIGTERM, signal.SIGINT)


class Deadline:
    """Ends this process and all below it ``seconds`` after a signal, whatever it is busy with.

    The interpreter's own handler wakes a thread through a pipe, so that this holds while the main
    thread is inside a library, or where a library swallows the exception.
    """

    def __init__(self, write_end: Callable[[], Any], seconds: float = GRACE_SECONDS):
        """Watch from now on; ValueError outside of the main thread."""
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
        # A forked child shares the pipe, and a signal to it is none to us.
        os.register_at_fork(after_in_child=forget)
        threading.Thread(target=self._watch, daemon=True, name="deadline").start()

    def close(self) -> None:
        """Stop watching."""
        with suppress(ValueError):
            signal.set_wakeup_fd(-1)
        self._over.set()
        os.close(self._wake)

    def _watch(self) -> None:
        while number := os.read(self._read, 1):
            if number[0] in ENDING and not self._over.wait(self._seconds):
                writer = threading.Thread(target=self._write_end, daemon=True)
                writer.start()
                writer.join(END_SECONDS)
                leave(128 + number[0])
        os.close(self._read)


def forget() -> None:
    """Wake nobody from here on."""
    with suppress(ValueError):
        signal.set_wakeup_fd(-1)


def leave(status: int) -> None:
    """Kill what this process started and is still there, and exit without any library's say."""
    kill_children()
    os._exit(status)


def kill_children() -> None:
    """Kill all processes below this one, but those in a session of their own (log, tracker)."""
    session = os.getsid(0)
    for process in tree(os.getpid())[1:]:
        with suppress(OSError):
            if os.getsid(process) == session:
                os.kill(process, signal.SIGKILL)
