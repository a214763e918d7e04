"""What a job reports while it runs: lines of ``events.jsonl``, written and read."""

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
LAST_BYTES = 2**20
"""Bytes of a log in which its end is looked for: a table is one line, and may be a long one."""


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
        """Append one event, stripped of secrets, in a single write; not from forked children."""
        line = json.dumps(
            finite(redact_values({"time": time.time(), "kind": kind, **fields})), default=str
        )
        with self._lock:
            if self._file >= 0 and os.getpid() == self._process:
                with suppress(OSError):  # a full disk costs an event, not the job
                    os.write(self._file, line.encode("utf-8", "backslashreplace") + b"\n")

    def close(self) -> None:
        """Close the file; later events are dropped."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1


_current: EventLog | None = None


def use(log: EventLog | None) -> None:
    """Send this process's events to ``log``, or nowhere."""
    global _current
    _current = log


def finite(value: Any) -> Any:
    """Return ``value`` with NaN and infinities as text, which JSON can hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return value


def emit(kind: str, **fields: Any) -> None:
    """Append an event of any kind."""
    if _current is not None:
        _current.write(kind, **fields)


def scalar(name: str, value: float, step: int | None = None) -> None:
    """Report one point of a series; without a step the points are spaced by time."""
    emit("scalar", name=name, value=float(value), step=step)


def single(name: str, value: float | str) -> None:
    """Report a value that the job has once."""
    emit("single", name=name, value=plain(value))


def memory_peaks() -> dict[str, float]:
    """Return the largest bytes of the job by kind (rss_bytes, gpu_bytes); outside a job nothing."""
    if _current is None:
        return {}
    with suppress(Exception):
        _current.sample()
    return dict(_current.peaks)


def artifact(
    name: str, path: str | os.PathLike[str], digest: str | None = None, **metadata: Any
) -> None:
    """Report a file or folder that the job made, with its bytes and SHA-256 (0.7 s of CPU a GB).

    A folder's is that of its files' names and digests, or the one that the caller knows.
    """
    if _current is not None:
        size = measure(Path(path), digest)
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
    """Name what the job is holding in memory (model, retriever), so that peaks are told apart."""
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


def measure(path: Path, known: str | None = None) -> dict[str, Any]:
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
    """Yield each whole event of a log from a byte on, and the byte behind it.

    What a kill truncated is passed over, and so, unread, is a line without ``having``.
    """
    with open(path, "rb") as file:
        file.seek(start)
        for line in file:
            start += len(line)
            if line.endswith(b"\n") and having in line and (event := parsed(line)):
                yield event, start


def end_of(file: BinaryIO) -> Event:
    """Return the end among the last lines of an open log, nothing where there is none."""
    file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_BYTES))
    last = map(parsed, file.read().splitlines()[-3:])
    return next((event for event in last if event.get("kind") == "end"), {})


def parsed(line: bytes) -> Event:
    """Return a line's event, nothing for what is none."""
    with suppress(ValueError):
        event = json.loads(line)
        return event if isinstance(event, dict) else {}
    return {}


def plain(value: Any) -> Any:
    """Return a number or text for a value that may be numpy's or a path."""
    item = getattr(value, "item", None)
    return item() if callable(item) else value
