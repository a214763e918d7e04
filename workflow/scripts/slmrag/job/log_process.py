"""Writes a job's output to its log without secrets, in a small process of its own.

Run as ``python -S -P -c ... PACKAGE JOB [EVENTS]`` beside the job: it reads standard input to its
end. It outlives a job that is killed, and then writes the end of the job's event log.
"""

import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from slmrag.config.redaction import MASK, redact
from slmrag.job.processes import is_exiting

IDLE_SECONDS = 0.5
DRAIN_SECONDS = 1.0
MAX_LINE_BYTES = 2**16
MAX_HELD_BYTES = 2**20
LOST_NOTE = b"[%d bytes of this log are missing: the disk was full]\n"
EXIT_INCOMPLETE = 3
KEY_BEGIN_LINE = re.compile(rb"-----BEGIN[ A-Z]*PRIVATE KEY-----")
KEY_END_LINE = re.compile(rb"-----END[ A-Z]*PRIVATE KEY-----")


def read_arrivals(source: int, others: dict[int, Callable[[], None]]) -> Iterator[bytes]:
    """Yield data as it arrives, none after an idle half second; serve other descriptors.

    They are served when what had arrived before is written, or after a second.
    """
    late: float | None = None
    while True:
        ready, _, _ = select.select([source, *others], [], [], IDLE_SECONDS)
        data = os.read(source, MAX_LINE_BYTES) if source in ready else b""
        if source in ready and not data:
            return
        yield data
        if due := others.keys() & set(ready):
            late = late or time.monotonic() + DRAIN_SECONDS
            if not data or time.monotonic() > late:
                for descriptor in due:
                    others.pop(descriptor)()


def cut_at_line_ends(arriving: Iterator[bytes]) -> Iterator[bytes]:
    """Yield data cut after line ends; an unfinished line is yielded after an idle half second."""
    held = b""
    for data in arriving:
        held += data
        cut = max(held.rfind(b"\n"), held.rfind(b"\r")) + 1
        if not data or len(held) > MAX_LINE_BYTES:
            cut = len(held)
        if cut:
            yield held[:cut]
        held = held[cut:]
    if held:
        yield held


def redact_pieces(source: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces without secrets; a private key is masked from its first line to its last."""
    inside = False
    for piece in source:
        for line in piece.splitlines(keepends=True):
            begins = bool(KEY_BEGIN_LINE.search(line))
            if not inside and not begins:
                yield redact(line.decode("utf-8", "surrogateescape")).encode(
                    "utf-8", "surrogateescape"
                )
            elif not inside:
                yield f"{MASK}\n".encode()
            inside = (inside or begins) and not KEY_END_LINE.search(line)


class LogFile:
    """Appends to a file; what a full disk refuses is held, up to a bound, and tried again."""

    def __init__(self, descriptor: int):
        """Write to an open file."""
        self._descriptor = descriptor
        self.held = b""
        self.lost = 0
        """Bytes that were dropped since the last successful write."""

    def write(self, text: bytes) -> None:
        """Append what is held and a text, or hold both; the oldest goes if it is too much."""
        self.held += text
        with suppress(OSError):
            if self.lost:
                self.held, self.lost = LOST_NOTE % self.lost + self.held, 0
            while self.held:
                self.held = self.held[os.write(self._descriptor, self.held) :]
        if excess := max(0, len(self.held) - MAX_HELD_BYTES):
            self.held = self.held[excess:]
            self.lost += excess


def pump(source: int, target: int, others: dict[int, Callable[[], None]] | None = None) -> bool:
    """Copy the source to the target, without secrets, until its end; return whether all is there.

    The source is read in any case, so that its writers never wait for a disk.
    """
    log = LogFile(target)
    for text in redact_pieces(cut_at_line_ends(read_arrivals(source, others or {}))):
        log.write(text)
    log.write(b"")
    return not log.held


def watch_process(process: int) -> int:
    """Return a descriptor that is ready to be read once a process is gone."""
    try:
        return os.pidfd_open(process)
    except ProcessLookupError:
        return os.open(os.devnull, os.O_RDONLY)  # always ready


def main() -> None:
    """Copy standard input to standard output; if the job dies, end its event log."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    job, *events = sys.argv[2:]
    others: dict[int, Callable[[], None]] = {}
    with suppress(OSError, AttributeError):  # without such descriptors, the next sync ends the log
        others = {watch_process(int(job)): lambda: close_event_log(*events)}
    whole = pump(0, 1, others)
    if others and is_exiting(int(job)):
        close_event_log(*events)
    os._exit(0 if whole else EXIT_INCOMPLETE)  # the job waits for this end


def close_event_log(events: str | None = None) -> None:
    """Write the end event of a job that died without one."""
    with suppress(Exception):
        from slmrag.job.attempts import Attempt
        from slmrag.job.killed_jobs import close_log_of_dead_job

        if events:
            close_log_of_dead_job(Attempt(Path(events)))
