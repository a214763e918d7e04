"""The end of the log of a job that could not write it itself: killed, perhaps for its memory."""

import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from slmrag.files import read_json, write_json
from slmrag.job.attempts import Attempt, find
from slmrag.job.events import Event, end_of, measure

KILLED = "ended without a word: killed by SIGKILL, perhaps for its memory"


def close_log_of_dead_job(attempt: Attempt) -> None:
    """Append an end with the last known peaks, unless there is one; close the memory record."""
    record = attempt.path.parents[1] / "memory_usage.json"
    with open(attempt.path, "r+b") as file:
        with suppress(OSError):  # a file system without locks: at worst the end is said twice
            fcntl.flock(file, fcntl.LOCK_EX)
        if not end_of(file):
            words = end_events(close_record(record, attempt.id), record)
            lines = [*truncated_line(file), *map(json.dumps, words)]
            file.write("".join(f"{line}\n" for line in lines).encode())


def truncated_line(file: BinaryIO) -> list[str]:
    """Return what ends a log's last line, if that was truncated, and go to the log's end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    return [""] if file.read() not in (b"", b"\n") else []


def close_record(record: Path, attempt: str) -> dict[str, Any]:
    """Return an attempt's memory record, marked as killed, or nothing where it is another's."""
    with suppress(OSError, ValueError):
        memory = read_json(record)
        if memory.get("attempt") == attempt:
            write_json(memory | {"status": "killed"}, record)
            return memory
    return {}


def end_events(memory: dict[str, Any], record: Path) -> list[Event]:
    """Return the last events: the memory record, where there is one, and the end."""
    now, peaks = time.time(), memory.get("peak") or {}
    end = {"time": now, "kind": "end", "status": "failed", "error": KILLED, "peak": peaks}
    if not memory:
        return [end]
    artifact = {"time": now, "kind": "artifact", "name": "memory_usage", "path": str(record)}
    artifact |= {**measure(record), "metadata": peaks}
    return [artifact, end | {"components": memory.get("components")}]


def close_logs_of_dead_jobs(results: Path, run: str | None = None) -> None:
    """Give an end to each attempt whose process is gone, of one workflow run or of all."""
    for attempt in find(results):
        with suppress(OSError):
            mine = run is None or (attempt.start() or {}).get("run") == run
            if mine and not attempt.ended() and attempt.dead():
                close_log_of_dead_job(attempt)
