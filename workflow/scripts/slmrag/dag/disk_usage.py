"""The size of folders, and which files of the journal a result still needs."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmrag.files import read_metadata

DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class JournalFile:
    """One job's file of completions."""

    path: Path
    bytes: int
    days: float
    """Days since something was appended."""
    completions: int
    used: bool
    """Whether a table of answers of any experiment took a completion from it."""


def journal_files(journal: Path, results: Path) -> list[JournalFile]:
    """Return all files of the journal; ``results`` holds the folders of all experiments."""
    wanted = engines_of(results.glob("*/timings/**/*.parquet"))
    return [_journal_file(path, wanted) for path in sorted(journal.glob("*/*.jsonl"))]


def engines_of(timings: Iterable[Path]) -> set[str]:
    """Return the ids of the engine runs that tables of timings name."""
    records = (json.loads(read_metadata(path).get("engines", "[]")) for path in timings)
    return {engine["id"] for record in records for engine in record}


def prunable(files: Iterable[JournalFile], days: float) -> list[JournalFile]:
    """Return the files that no result needs and that are at least ``days`` old."""
    return [file for file in files if not file.used and file.days >= days]


def total_bytes(path: Path) -> int:
    """Return the bytes of a file or of all files below a folder; 0 if there is nothing."""
    files = path.rglob("*") if path.is_dir() else [path] if path.exists() else []
    return sum(file.lstat().st_size for file in files if not file.is_dir())


def readable_bytes(count: float) -> str:
    """Return bytes as text: 1536 is ``1.5 kB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TB"


def _journal_file(path: Path, wanted: set[str]) -> JournalFile:
    lines = list(_journal_lines(path))
    engines = {line["engine"]["id"] for line in lines if isinstance(line.get("engine"), dict)}
    completions = sum("digest" in line for line in lines)
    status = path.stat()
    days = (time.time() - status.st_mtime) / DAY_SECONDS
    return JournalFile(path, status.st_size, days, completions, bool(engines & wanted))


def _journal_lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue
