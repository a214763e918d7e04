"""The journal: every finished completion, on disk the moment it finishes, never generated twice.

A folder per recipe; in it one append-only file of JSON lines per job, so that no job needs a lock.
A line is a completion ``{"digest": ..., ...}`` or an engine run's record ``{"engine": ...}``.
Where two jobs made the same completion, the one in the first file by name counts, for ever.
"""

import itertools
import json
import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self
from uuid import uuid4

from slmrag.errors import UserError

logger = logging.getLogger(__name__)
SYNC_SECONDS = 5.0
SOME = 500
CACHE_KB = 16384
SCHEMA = "CREATE TABLE entries (key BLOB PRIMARY KEY, file INTEGER, start INTEGER) WITHOUT ROWID"


class Journal:
    """The completions of one recipe, found by the digest of their prompt; memory stays flat."""

    def __init__(self, folder: Path) -> None:
        self.engines: dict[str, dict[str, Any]] = {}
        self._folder = folder
        self._files: list[BinaryIO] = []
        self._own = _Appender(folder / f"{time.time_ns():x}-{uuid4().hex[:12]}.jsonl")
        # A nameless sqlite file: it spills to the temporary folder and is gone with the process.
        self._index = sqlite3.connect("", isolation_level=None)
        self._index.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self._index.execute("PRAGMA synchronous = OFF")
        self._index.execute("PRAGMA journal_mode = OFF")
        self._index.execute(SCHEMA)
        self._index.execute("BEGIN")  # and never a commit: the file is ours and ends with us
        for path in sorted(folder.glob("*.jsonl")):
            self._read(path)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __contains__(self, digest: str) -> bool:
        """Whether the prompt's completion is on disk."""
        return bool(self._find([digest]))

    def __getitem__(self, digest: str) -> dict[str, Any]:
        """Return the completion of a prompt; KeyError where there is none."""
        return self.read([digest])[0]

    def read(self, digests: Sequence[str]) -> list[dict[str, Any]]:
        """Return the completions of prompts, in their order; KeyError where one has none."""
        places = self._find(digests)
        return [self._line(*places[_key(digest)]) for digest in digests]

    def claim(self, digests: Sequence[str]) -> list[bool]:
        """Return of each prompt whether nobody asked for it yet in this job, and ask for it."""
        keys = [_key(digest) for digest in digests]
        known = {key for key, *_ in self._rows_of(keys)}
        new = [key not in known and not known.add(key) for key in keys]
        rows = ((key, None, None) for key in itertools.compress(keys, new))
        self._index.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
        return new

    def append(self, completions: Sequence[dict[str, Any]]) -> None:
        """Put finished completions, each with its ``digest``, on disk in one write."""
        starts = self._own.write(completions)
        keys = (_key(completion["digest"]) for completion in completions)
        rows = ((key, -1, start) for key, start in zip(keys, starts, strict=True))
        self._index.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", rows)

    def note(self, record: dict[str, Any]) -> None:
        """Put what is known of an engine's run on disk; the last record of an ``id`` counts."""
        self.engines[record["id"]] = record
        self._own.write([{"engine": record}])

    def close(self) -> None:
        """Flush to the disk and let go of all files."""
        self._own.close()
        for file in self._files:
            file.close()
        self._index.close()

    def _find(self, digests: Sequence[str]) -> dict[bytes, tuple[int, int]]:
        """Return file and start of each prompt's completion, by key, as far as there is one."""
        rows = self._rows_of([_key(digest) for digest in digests])
        return {key: (file, start) for key, file, start in rows if file is not None}

    def _rows_of(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, int | None, int | None]]:
        for some in (keys[at : at + SOME] for at in range(0, len(keys), SOME)):
            marks = ",".join("?" * len(some))
            yield from self._index.execute(f"SELECT * FROM entries WHERE key IN ({marks})", some)

    def _line(self, number: int, start: int) -> dict[str, Any]:
        file = self._own.reader() if number < 0 else self._files[number]
        file.seek(start)
        return json.loads(file.readline().decode())

    def _read(self, path: Path) -> None:
        file = path.open("rb")
        self._files.append(file)
        rows = self._entries(_lines(file, path), len(self._files) - 1)
        self._index.executemany("INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", rows)

    def _entries(
        self, lines: Iterable[tuple[int, dict[str, Any]]], number: int
    ) -> Iterator[tuple[bytes, int, int]]:
        for start, line in lines:
            if "digest" in line:
                yield _key(line["digest"]), number, start
            else:
                self.engines[line["engine"]["id"]] = line["engine"]


class _Appender:
    """One job's own file: a whole line per write, synced to the disk every few seconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._reader: BinaryIO | None = None
        self._size = 0
        self._synced = time.monotonic()

    def write(self, lines: Sequence[dict[str, Any]]) -> list[int]:
        """Append lines and return where each starts; a full disk is a UserError."""
        data = [json.dumps(line).encode() + b"\n" for line in lines]
        ends = itertools.accumulate(map(len, data), initial=self._size)
        starts = list(itertools.islice(ends, len(data)))
        try:
            self._write(b"".join(data))
        except OSError as error:
            raise UserError(
                f"cannot write the journal {self._path}: {error.strerror}; every completion before "
                f"this one is kept, so make room and run again"
            ) from error
        return starts

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666)
        while data:
            written = os.write(self._file, data)
            self._size += written
            data = data[written:]
        if time.monotonic() - self._synced > SYNC_SECONDS:
            os.fsync(self._file)
            self._synced = time.monotonic()

    def reader(self) -> BinaryIO:
        """Return the own file, open for reading."""
        if self._reader is None:
            self._reader = self._path.open("rb")
        return self._reader

    def close(self) -> None:
        """Sync and close."""
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None
        if self._reader is not None:
            self._reader.close()


def _key(digest: str) -> bytes:
    return bytes.fromhex(digest[:32])


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each whole line with its start; what a kill tore is left out."""
    start = 0
    for data in file:
        line = _whole(data)
        if line is None:
            logger.info("journal %s: passed over a torn line at byte %d", path, start)
        else:
            yield start, line
        start += len(data)


def _whole(data: bytes) -> dict[str, Any] | None:
    """Return a line that is a completion or an engine's record to its end, else None."""
    try:
        line = json.loads(data)
        keyed = _key(line["digest"]) if "digest" in line else line["engine"]["id"]
    except (ValueError, TypeError, KeyError):
        return None
    return line if keyed and data.endswith(b"\n") else None
