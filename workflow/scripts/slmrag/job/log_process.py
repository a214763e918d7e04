"""Writes a job's output to its log without secrets, in a small process of its own.

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
MAX_LINE_BYTES = 2**16
KEY_BEGIN_LINE = re.compile(rb"-----BEGIN[ A-Z]*PRIVATE KEY-----")
KEY_END_LINE = re.compile(rb"-----END[ A-Z]*PRIVATE KEY-----")


def read_arrivals(source: int, others: dict[int, Callable[[], None]]) -> Iterator[bytes]:
    """Yield data as it arrives, none after an idle half second; serve other descriptors."""
    while True:
        ready, _, _ = select.select([source, *others], [], [], IDLE_SECONDS)
        for descriptor in others.keys() & set(ready):
            others.pop(descriptor)()
        data = os.read(source, MAX_LINE_BYTES) if source in ready else b""
        if source in ready and not data:
            return
        yield data


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


def pump(source: int, target: int, others: dict[int, Callable[[], None]] | None = None) -> None:
    """Copy the source to the target, without secrets, until its end."""
    for text in redact_pieces(cut_at_line_ends(read_arrivals(source, others or {}))):
        os.write(target, text)


def main() -> None:
    """Copy standard input to standard output; if the job dies, end its event log."""
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
    """Write the end event of a job that died without one."""
    with suppress(Exception):
        from slmrag.job.attempts import Attempt
        from slmrag.job.killed_jobs import close_log_of_dead_job

        if events:
            close_log_of_dead_job(Attempt(Path(events)))
