"""Carry what a job prints to its log, without secrets; a small process, so that nobody waits.

Run as ``python -S -P -c ...`` beside the job: it reads standard input to its end.
"""

import os
import re
import select
import signal
from collections.abc import Iterator

from slmrag.redaction import MASK, clean_text

IDLE_SECONDS = 0.5
LONGEST_LINE = 2**16
KEY_BEGINS = re.compile(rb"-----BEGIN[ A-Z]*PRIVATE KEY-----")
KEY_ENDS = re.compile(rb"-----END[ A-Z]*PRIVATE KEY-----")


def pieces(source: int) -> Iterator[bytes]:
    """Yield what arrives, cut behind line ends; a line without its end after half a second."""
    held = b""
    while True:
        ready, _, _ = select.select([source], [], [], IDLE_SECONDS if held else None)
        data = os.read(source, LONGEST_LINE) if ready else b""
        if ready and not data:
            break
        held += data
        cut = max(held.rfind(b"\n"), held.rfind(b"\r")) + 1
        if not ready or len(held) > LONGEST_LINE:
            cut = len(held)
        if cut:
            yield held[:cut]
        held = held[cut:]
    if held:
        yield held


def masked(source: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces without secrets; a private key is masked from its first line to its last."""
    inside = False
    for piece in source:
        for line in piece.splitlines(keepends=True):
            begins = bool(KEY_BEGINS.search(line))
            if not inside and not begins:
                yield clean_text(line.decode("utf-8", "surrogateescape")).encode(
                    "utf-8", "surrogateescape"
                )
            elif not inside:
                yield f"{MASK}\n".encode()
            inside = (inside or begins) and not KEY_ENDS.search(line)


def pump(source: int, target: int) -> None:
    """Copy until the source's end; signals meant for the job do not end it."""
    for text in masked(pieces(source)):
        os.write(target, text)


def main() -> None:
    """Copy standard input to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pump(0, 1)
