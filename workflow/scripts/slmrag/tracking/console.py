"""New lines of a job's log as a tracker's console shows them: bounded, and each line once.

A part of a log is kept beside the attempt while a request with it has no answer, so that the same
lines with the same times are made again: ``start`` and ``end`` in bytes, ``shown``, the characters
shown before it, ``time`` of its first message in ms, and ``over``, whether the job had ended.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from slmrag.job.events import Event
from slmrag.job.log_file import ESCAPE_SEQUENCE

LIVE_CHARACTERS = 200_000
"""Characters that are shown while they are written; of the rest only the end is shown."""
LAST_LINES = 200
LINE_CHARACTERS = 2000
MESSAGE_CHARACTERS = 4000
MAX_LINE_BYTES = 2**20
"""A line with more is taken for several."""

Part = dict[str, Any]


def next_part(log: Path, before: Part | None, over: bool) -> Part | None:
    """Return the part of a log after the one before, None if there is nothing to show."""
    before = before or {"end": 0, "shown_after": 0, "last": 0, "over": False}
    start, shown = before["end"], before["shown_after"]
    if before["over"] or not (over or shown < LIVE_CHARACTERS):
        return None
    with suppress(OSError):
        status = log.stat()
        end = status.st_size if over else live_end(log, start, LIVE_CHARACTERS - shown)
        if end > start:
            part = {"start": start, "end": end, "shown": shown, "over": over}
            texts = messages(log, part)
            written = int(status.st_mtime * 1000) - len(texts)
            time = max(before["last"] + 1, written)
            after = shown + sum(len(text) + 1 for text in texts)
            return part | {"time": time, "last": time + len(texts), "shown_after": after}
    return None


def live_end(log: Path, start: int, room: int) -> int:
    """Return where the last whole line ends that is shown while the job runs."""
    end = start
    for raw, after in read_raw(log, start, log.stat().st_size):
        if room <= 0 or not (raw.endswith(b"\n") or len(raw) == MAX_LINE_BYTES):
            break
        room -= len(shown_text(raw)) + 1
        end = after
    return end


def log_events(log: Path, part: Part) -> list[Event]:
    """Return the messages of a part as events of kind ``log``."""
    return [
        {"kind": "log", "time": (part["time"] + number + 0.5) / 1000, "text": text}
        for number, text in enumerate(messages(log, part))
    ]


def messages(log: Path, part: Part) -> list[str]:
    """Return the lines of a part, several to a message."""
    found: list[str] = []
    for line in shown_lines(log, part):
        if found and len(found[-1]) + len(line) < MESSAGE_CHARACTERS:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def shown_lines(log: Path, part: Part) -> Iterator[str]:
    """Yield the lines of a part up to the bound, and then the last of the rest."""
    room, left = LIVE_CHARACTERS - part["shown"], 0
    last: deque[bytes] = deque(maxlen=LAST_LINES)
    for raw, _ in read_raw(log, part["start"], part["end"]):
        if room <= 0:
            if not raw.isspace():  # the rest may have a gigabyte: only its end is decoded
                left += 1
                last.append(raw)
        elif line := shown_text(raw):
            room -= len(line) + 1
            yield line
    if missing := left - len(last):
        what = "1 line is" if missing == 1 else f"{missing} lines are"
        yield f"[{what} left out here; the artifact `log` is whole]"
    yield from filter(None, map(shown_text, last))


def read_raw(log: Path, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Yield each line between two offsets, and the offset after it; none if the log is gone."""
    with suppress(FileNotFoundError), log.open("rb") as file:
        file.seek(start)
        while (room := end - start) > 0 and (raw := file.readline(min(room, MAX_LINE_BYTES))):
            start += len(raw)
            yield raw, start


def shown_text(raw: bytes) -> str:
    """Return a line as it is shown: a progress bar in its last state, without colors."""
    text = raw.decode("utf-8", "replace").rstrip("\r\n").rpartition("\r")[2]
    line = ESCAPE_SEQUENCE.sub("", text).rstrip()
    if len(line) > LINE_CHARACTERS:
        return f"{line[:LINE_CHARACTERS]}... [cut, {len(line)} characters]"
    return line
