"""The file of an attempt's log: the declared path that links to it, and its last lines."""

import os
import re
from contextlib import suppress
from pathlib import Path

from slmrag.config.redaction import redact
from slmrag.files import atomic
from slmrag.job.attempts import link_file

LAST_LINES = 20
LAST_CHARACTERS = 2000
TAIL_BYTES = 2**15
ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
OPEN_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def open_log(declared: Path, own: Path | None) -> int:
    """Open an attempt's ``own`` log; the ``declared`` path links to it from now on.

    Where there is no such log, or no link to it can be made, the declared path is the log itself.
    """
    if own:
        with suppress(OSError):
            return _open_linked(declared, own)
    declared.parent.mkdir(parents=True, exist_ok=True)
    if declared.is_file() or declared.is_symlink():
        declared.unlink()  # it may be a link to the log of an earlier attempt
    return os.open(declared, OPEN_FLAGS, 0o644)


def _open_linked(declared: Path, own: Path) -> int:
    own.parent.mkdir(parents=True, exist_ok=True)
    is_new = not own.exists()
    file = os.open(own, OPEN_FLAGS, 0o644)
    try:
        with atomic(declared) as link:
            link_file(own, link)
    except OSError:
        os.close(file)
        if is_new:
            own.unlink()
        raise
    return file


def last_lines(path: Path) -> str | None:
    """Return up to 20 last lines and 2,000 characters of a log, None where there is no text.

    Of a bar that was drawn over itself only the last state is taken.
    """
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    plain = (ESCAPE_SEQUENCE.sub("", line.rstrip("\r")) for line in text.split("\n"))
    lines = [line.rpartition("\r")[2].rstrip() for line in plain]
    found = redact("\n".join(list(filter(None, lines))[-LAST_LINES:]))
    return found[-LAST_CHARACTERS:].strip() or None
