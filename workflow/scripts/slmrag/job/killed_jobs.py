"""Writes the end event of a job that was killed before it could write it."""

import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from slmrag.files import read_json, write_json
from slmrag.job.attempts import Attempt, find_attempts
from slmrag.job.events import Event, find_end, measure_file
from slmrag.job.log_file import last_lines

KILLED_MESSAGE = "killed by SIGKILL without an end event, perhaps because it was out of memory"


def close_log_of_dead_job(attempt: Attempt) -> None:
    """Append an end event with the last known peaks if there is none; close the memory record."""
    record = attempt.path.parents[1] / "memory_usage.json"
    with open(attempt.path, "r+b") as file:
        with suppress(OSError):  # a file system without locks: at worst there are two end events
            fcntl.flock(file, fcntl.LOCK_EX)
        if not find_end(file):
            words = end_events(close_record(record, attempt.id), record, last_lines(attempt.log))
            lines = [*end_of_truncated_line(file), *map(json.dumps, words)]
            file.write("".join(f"{line}\n" for line in lines).encode())


def end_of_truncated_line(file: BinaryIO) -> list[str]:
    """Seek to the log's end; return an empty line if the last line has no line break."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    return [""] if file.read() not in (b"", b"\n") else []


def close_record(record: Path, attempt: str) -> dict[str, Any]:
    """Mark an attempt's memory record as killed and return it; empty if it is another attempt's."""
    with suppress(OSError, ValueError):
        memory = read_json(record)
        if memory.get("attempt") == attempt:
            write_json(memory | {"status": "killed"}, record)
            return memory
    return {}


def end_events(memory: dict[str, Any], record: Path, said: str | None) -> list[Event]:
    """Return the last events: the memory record, if there is one, and the end.

    ``said`` is the end of the job's log.
    """
    now, peaks = time.time(), memory.get("peak") or {}
    end = {"time": now, "kind": "end", "status": "failed", "error": KILLED_MESSAGE, "peak": peaks}
    end["log_tail"] = said
    if not memory:
        return [end]
    artifact = {"time": now, "kind": "artifact", "name": "memory_usage", "path": str(record)}
    artifact |= {**measure_file(record), "metadata": peaks}
    return [artifact, end | {"components": memory.get("components")}]


def close_logs_of_dead_jobs(results: Path, run: str | None = None) -> None:
    """Write the end event of each attempt whose process is gone, of one workflow run or of all."""
    for attempt in find_attempts(results):
        with suppress(OSError):
            mine = run is None or (attempt.start() or {}).get("run") == run
            if mine and not attempt.has_ended() and attempt.is_dead():
                close_log_of_dead_job(attempt)
