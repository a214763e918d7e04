"""Carry what a job prints to its log, without secrets; a small process, so that nobody waits.

Run as ``python -S -P -c ... PACKAGE JOB [EVENTS]`` beside the job: it reads standard input to its
end. It outlives a job that is killed, and then writes the end of the job's event log.
"""

import os
import re
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from slmrag.config.redaction import MASK, redact
from slmrag.job.processes import is_exiting

IDLE_SECONDS = 0.5
LONGEST_LINE = 2**16
KEY_BEGINS = re.compile(rb"-----BEGIN[ A-Z]*PRIVATE KEY-----")
KEY_ENDS = re.compile(rb"-----END[ A-Z]*PRIVATE KEY-----")


def arrivals(source: int, others: dict[int, Callable[[], None]]) -> Iterator[bytes]:
    """Yield what arrives, nothing after half a second, to the end; answer other descriptors."""
    while True:
        ready, _, _ = select.select([source, *others], [], [], IDLE_SECONDS)
        for descriptor in others.keys() & set(ready):
            others.pop(descriptor)()
        data = os.read(source, LONGEST_LINE) if source in ready else b""
        if source in ready and not data:
            return
        yield data


def pieces(arriving: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what arrives, cut behind line ends; a line without its end after half a second."""
    held = b""
    for data in arriving:
        held += data
        cut = max(held.rfind(b"\n"), held.rfind(b"\r")) + 1
        if not data or len(held) > LONGEST_LINE:
            cut = len(held)
        if cut:
            yield held[:cut]
        held = held[cut:]
    if held:
        yield held


def redacted(source: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces without secrets; a private key is masked from its first line to its last."""
    inside = False
    for piece in source:
        for line in piece.splitlines(keepends=True):
            begins = bool(KEY_BEGINS.search(line))
            if not inside and not begins:
                yield redact(line.decode("utf-8", "surrogateescape")).encode(
                    "utf-8", "surrogateescape"
                )
            elif not inside:
                yield f"{MASK}\n".encode()
            inside = (inside or begins) and not KEY_ENDS.search(line)


def pump(source: int, target: int, others: dict[int, Callable[[], None]] | None = None) -> None:
    """Copy until the source's end; signals meant for the job do not end it."""
    for text in redacted(pieces(arrivals(source, others or {}))):
        os.write(target, text)


def main() -> None:
    """Copy standard input to standard output; at the job's death look after its event log."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    job, *events = sys.argv[2:]
    others = {}
    try:
        others = {os.pidfd_open(int(job)): lambda: close_event_log(*events)}
    except ProcessLookupError:  # killed before this process was up
        close_event_log(*events)
    except OSError:  # a kernel without such descriptors: then the next sync writes the end
        pass
    pump(0, 1, others)
    if others and is_exiting(int(job)):
        close_event_log(*events)
    os._exit(0)  # the job waits for this end


def close_event_log(events: str | None = None) -> None:
    """Write the end of the event log of a job that died without a word."""
    with suppress(Exception):
        from slmrag.job.attempts import Attempt
        from slmrag.job.killed_jobs import close_log_of_dead_job

        if events:
            close_log_of_dead_job(Attempt(Path(events)))
