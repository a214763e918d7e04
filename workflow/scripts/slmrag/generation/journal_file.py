"""A file of the journal: lines are appended whole, and read back whole or not at all."""

import itertools
import json
import logging
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from slmrag.errors import UserError

logger = logging.getLogger(__name__)
SYNC_SECONDS = 5.0


class Appender:
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


def index_key(digest: str) -> bytes:
    """Return the key of a digest in the index: half of its bytes."""
    return bytes.fromhex(digest[:32])


def index_keys(completion: dict[str, Any]) -> list[bytes]:
    """Return the keys of a completion in the index: of its prompt, and of the uncut prompt."""
    return [index_key(completion[name]) for name in ("digest", "whole") if name in completion]


def read_lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each whole line with its offset; a line that a kill truncated is left out."""
    start = 0
    for data in file:
        line = _parse_line(data)
        if line is None:
            logger.info("journal %s: skipped a truncated line at byte %d", path, start)
        else:
            yield start, line
        start += len(data)


def _parse_line(data: bytes) -> dict[str, Any] | None:
    """Return a line that is a whole completion, refusal or engine record, else None."""
    try:
        line = json.loads(data)
        keyed = _identify(line)
    except (ValueError, TypeError, KeyError):
        return None
    return line if keyed and data.endswith(b"\n") else None


def _identify(line: dict[str, Any]) -> Any:
    """Return the keys or the id of a line; KeyError where it has none."""
    if "digest" in line:
        return index_keys(line)
    return index_key(line["refused"]["digest"]) if "refused" in line else line["engine"]["id"]
