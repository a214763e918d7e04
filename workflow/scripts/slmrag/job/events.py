"""The events that a job reports while it runs, written to and read from ``events.jsonl``."""

import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from slmrag.config.redaction import redact_values

Row = Mapping[str, Any]
Event = dict[str, Any]
END_BYTES = 2**20
"""Bytes at the end of a log that are searched for its end event: a table can be a long line."""


class EventLog:
    """An append-only file of one JSON object a line; safe to write from several threads."""

    def __init__(self, path: str | os.PathLike[str]):
        """Open ``path`` for appending, making its folder."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._lock = threading.Lock()
        self._process = os.getpid()
        self.components: list[str] = []
        self.sample: Callable[[], None] = lambda: None
        self.peaks: Mapping[str, float] = {}

    def write(self, kind: str, **fields: Any) -> None:
        """Append one event without secrets, in a single write; forked children write nothing."""
        line = json.dumps(
            replace_non_finite(redact_values({"time": time.time(), "kind": kind, **fields})),
            default=str,
        )
        with self._lock:
            if self._file >= 0 and self.is_own():
                with suppress(OSError):  # a full disk costs an event, not the job
                    os.write(self._file, line.encode("utf-8", "backslashreplace") + b"\n")

    def is_own(self) -> bool:
        """Return whether this process opened the log, and did not inherit it."""
        return os.getpid() == self._process

    def close(self) -> None:
        """Close the file; later events are dropped."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1


_current: EventLog | None = None


def use_log(log: EventLog | None) -> None:
    """Send this process's events to ``log``, or nowhere."""
    global _current
    _current = log


def current_log() -> EventLog | None:
    """Return the log of this process's job; None outside of a job and in its forked children."""
    return _current if _current and _current.is_own() else None


def replace_non_finite(value: Any) -> Any:
    """Return ``value`` with NaN and infinities as text, which JSON can hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: replace_non_finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [replace_non_finite(item) for item in value]
    return value


def emit(kind: str, **fields: Any) -> None:
    """Append an event of any kind."""
    if _current is not None:
        _current.write(kind, **fields)


def scalar(name: str, value: float, step: int | None = None) -> None:
    """Report one point of a series; without a step, time is the axis."""
    emit("scalar", name=name, value=float(value), step=step)


def single(name: str, value: float | str) -> None:
    """Report a single value of the job."""
    emit("single", name=name, value=plain_value(value))


def memory_peaks() -> dict[str, float]:
    """Return the job's peak bytes by kind (rss_bytes, gpu_bytes); empty outside a job."""
    if _current is None:
        return {}
    with suppress(Exception):
        _current.sample()
    return dict(_current.peaks)


def artifact(
    name: str, path: str | os.PathLike[str], digest: str | None = None, **metadata: Any
) -> None:
    """Report a file or folder that the job made, with its bytes and SHA-256 (0.7 s of CPU a GB).

    A folder's digest is of its files' names and digests, unless the caller gives one.
    """
    if _current is not None:
        size = measure_file(Path(path), digest)
        emit("artifact", name=name, path=os.fspath(path), **size, metadata=metadata)


def table(name: str, rows: Sequence[Row]) -> None:
    """Report a small table as rows of column name to value."""
    if _current is not None:
        emit("table", name=name, rows=[dict(row) for row in rows])


def plot(name: str, path: str | os.PathLike[str]) -> None:
    """Report a picture or HTML file as a plot."""
    emit("plot", name=name, path=os.fspath(path))


@contextmanager
def component(name: str) -> Iterator[None]:
    """Name what the job holds in memory (model, retriever), for peaks by component."""
    if _current is None:
        yield
        return
    log, stack = _current, _current.components
    stack.append(name)
    started = time.monotonic()
    try:
        yield
    finally:
        with suppress(Exception):
            log.sample()
        stack.remove(name)
        emit("component", name=name, seconds=time.monotonic() - started)


def measure_file(path: Path, known: str | None = None) -> dict[str, Any]:
    """Return the bytes and SHA-256 of a file or folder; None where there is none."""
    from slmrag.files import digest, sha256_file

    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        size = sum(file.stat().st_size for file in files)
        known = known or digest(
            [[str(file.relative_to(path)), sha256_file(file)] for file in files]
        )
        return {"bytes": size, "files": len(files), "sha256": known}
    if not path.is_file():
        return {"bytes": None, "sha256": None}
    return {"bytes": path.stat().st_size, "sha256": sha256_file(path)}


def read_events(
    path: str | os.PathLike[str], start: int = 0, having: bytes = b""
) -> Iterator[tuple[Event, int]]:
    """Yield each whole event of a log from a byte offset on, and the offset after it.

    Truncated lines are skipped, and lines without the bytes ``having`` are skipped unparsed.
    """
    with open(path, "rb") as file:
        file.seek(start)
        for line in file:
            start += len(line)
            if line.endswith(b"\n") and having in line and (event := parse_event(line)):
                yield event, start


def read_kinds(path: str | os.PathLike[str], kinds: Sequence[str]) -> Iterator[Event]:
    """Yield the whole events of some kinds; lines that do not name a kind are skipped unparsed."""
    names = [f'"{kind}"'.encode() for kind in kinds]
    with open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n") and any(name in line for name in names):
                event = parse_event(line)
                if event.get("kind") in kinds:
                    yield event


def find_end(file: BinaryIO) -> Event:
    """Return the end event among the last lines of an open log, empty if there is none."""
    file.seek(max(0, os.fstat(file.fileno()).st_size - END_BYTES))
    last = map(parse_event, file.read().splitlines()[-3:])
    return next((event for event in last if event.get("kind") == "end"), {})


def parse_event(line: bytes) -> Event:
    """Return the event of a line, empty if the line is not an event."""
    with suppress(ValueError):
        event = json.loads(line)
        return event if isinstance(event, dict) else {}
    return {}


def plain_value(value: Any) -> Any:
    """Return a plain number for a number of numpy's, else the value itself."""
    item = getattr(value, "item", None)
    return item() if callable(item) else value
