"""The journal: the cache of completions, each written to disk as soon as it is finished.

A folder for each cache key; in it a file of JSON lines for each job, so that no job needs a lock.
A line is a completion ``{"digest": ..., ...}``, an engine run's record ``{"engine": ...}`` or a
prompt that an endpoint refused ``{"refused": {"digest": ..., ...}}``, which is no completion and
counts only until there is one. The completion of a prompt that was cut to fit is found by
the digest of the uncut one (``whole``), too. Folders of the same cache key under an older name are
read as well, and never written to. Where two jobs made the same completion, the one in the oldest
folder's first file by name always counts; of refusals the last.
"""

import itertools
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self
from uuid import uuid4

from slmrag.generation.journal_file import Appender, index_key, index_keys, read_lines

KEYS_PER_QUERY = 500
CACHE_KB = 16384
INDEX_SCHEMA = "CREATE TABLE {} (key BLOB PRIMARY KEY, file INTEGER, start INTEGER) WITHOUT ROWID"


class Journal:
    """The completions of one cache key, found by the digest of their prompt; memory stays flat."""

    def __init__(self, folder: Path, older: Sequence[Path] = ()) -> None:
        self.engines: dict[str, dict[str, Any]] = {}
        self._refused = False
        self._folder = folder
        self._files: list[BinaryIO] = []
        self._file_of_run: dict[str, int] = {}
        self._appender = Appender(folder / f"{time.time_ns():x}-{uuid4().hex[:12]}.jsonl")
        # A nameless SQLite file: it spills to the temporary folder and disappears with the process.
        self._index = sqlite3.connect("", isolation_level=None)
        self._index.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self._index.execute("PRAGMA synchronous = OFF")
        self._index.execute("PRAGMA journal_mode = OFF")
        for table in ("entries", "refusals"):
            self._index.execute(INDEX_SCHEMA.format(table))
        self._index.execute("BEGIN")  # never committed: the index is only for this process
        for one in (*older, folder):
            for path in sorted(one.glob("*.jsonl")):
                self._read_file(path)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __contains__(self, digest: str) -> bool:
        """Return whether the prompt has a completion on disk."""
        return bool(self._find([digest]))

    def __getitem__(self, digest: str) -> dict[str, Any]:
        """Return the completion of a prompt; KeyError where there is none."""
        return self.read([digest])[0]

    def get(self, digest: str) -> dict[str, Any] | None:
        """Return the completion of a prompt, or of what it was cut to; None where there is none."""
        places = self._find([digest])
        return self._read_line(*places[index_key(digest)]) if places else None

    def read(self, digests: Sequence[str]) -> list[dict[str, Any]]:
        """Return the completions of prompts, in their order; KeyError where one has none."""
        places = self._find(digests)
        return [self._read_line(*places[index_key(digest)]) for digest in digests]

    def refusals(self, digests: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return, by its digest, the refusal of each prompt that has one and no completion."""
        if not self._refused:
            return {}
        places, done = self._find(digests, "refusals"), self._find(digests)
        known = {d: places[index_key(d)] for d in digests if index_key(d) in places.keys() - done}
        return {digest: self._read_line(*place)["refused"] for digest, place in known.items()}

    def claim(self, digests: Sequence[str]) -> list[bool]:
        """Mark prompts as requested; return for each whether it was not requested before."""
        keys = [index_key(digest) for digest in digests]
        known = {key for key, *_ in self._rows_of(keys)}
        new = []
        for key in keys:
            new.append(key not in known)
            known.add(key)
        rows = ((key, None, None) for key in itertools.compress(keys, new))
        self._index.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
        return new

    def append(self, completions: Sequence[dict[str, Any]]) -> None:
        """Write finished completions, each with its ``digest``, to disk in one write."""
        starts = self._appender.write(completions)
        pairs = zip(completions, starts, strict=True)
        rows = ((key, -1, start) for made, start in pairs for key in index_keys(made))
        self._index.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", rows)

    def append_refusals(self, refusals: Sequence[dict[str, Any]]) -> None:
        """Write prompts that an endpoint refused, each with its ``digest``, in one write."""
        starts = self._appender.write([{"refused": one} for one in refusals])
        pairs = zip(refusals, starts, strict=True)
        self._index_refusals([(index_key(one["digest"]), -1, start) for one, start in pairs])

    def note_run(self, record: dict[str, Any]) -> None:
        """Write the record of an engine's run to disk; the last record of an ``id`` counts."""
        self.engines[record["id"]] = record
        self._file_of_run[record["id"]] = -1
        self._appender.write([{"engine": record}])

    def completions(self, run: str) -> Iterator[dict[str, Any]]:
        """Yield all completions of an engine's run, also those that an earlier file has."""
        file = self._file(self._file_of_run[run])
        file.seek(0)
        return (line for _, line in read_lines(file, self._folder) if line.get("engine") == run)

    def sums(self, names: Sequence[str]) -> list[int]:
        """Return sums over all completions that were there at the start, duplicates included.

        A number that a completion lacks counts as 0.
        """
        totals: Counter[str] = Counter()
        for file in self._files:
            file.seek(0)
            for _, line in read_lines(file, self._folder):
                totals.update({name: line.get(name) or 0 for name in names})
        return [totals[name] for name in names]

    def close(self) -> None:
        """Flush to disk and close all files."""
        self._appender.close()
        for file in self._files:
            file.close()
        self._index.close()

    def _find(self, digests: Sequence[str], table: str = "entries") -> dict[bytes, tuple[int, int]]:
        """Return the file and offset of the completions, by key, for prompts that have one."""
        rows = self._rows_of([index_key(digest) for digest in digests], table)
        return {
            key: (file, start)
            for key, file, start in rows
            if file is not None and start is not None
        }

    def _rows_of(
        self, keys: Sequence[bytes], table: str = "entries"
    ) -> Iterator[tuple[bytes, int | None, int | None]]:
        for some in (keys[at : at + KEYS_PER_QUERY] for at in range(0, len(keys), KEYS_PER_QUERY)):
            marks = ",".join("?" * len(some))
            yield from self._index.execute(f"SELECT * FROM {table} WHERE key IN ({marks})", some)

    def _index_refusals(self, rows: Sequence[tuple[bytes, int, int]]) -> None:
        self._refused = self._refused or bool(rows)
        self._index.executemany("INSERT OR REPLACE INTO refusals VALUES (?, ?, ?)", rows)

    def _read_line(self, number: int, start: int) -> dict[str, Any]:
        file = self._file(number)
        file.seek(start)
        return json.loads(file.readline().decode())

    def _file(self, number: int) -> BinaryIO:
        return self._appender.reader() if number < 0 else self._files[number]

    def _read_file(self, path: Path) -> None:
        file = path.open("rb")
        self._files.append(file)
        refused: list[tuple[bytes, int, int]] = []
        rows = self._index_rows(read_lines(file, path), len(self._files) - 1, refused)
        self._index.executemany("INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", rows)
        self._index_refusals(refused)

    def _index_rows(
        self, found: Iterable[tuple[int, dict[str, Any]]], number: int, refused: list[Any]
    ) -> Iterator[tuple[bytes, int, int]]:
        for start, line in found:
            if "digest" in line:
                yield from ((key, number, start) for key in index_keys(line))
            elif "refused" in line:
                refused.append((index_key(line["refused"]["digest"]), number, start))
            else:
                self.engines[line["engine"]["id"]] = line["engine"]
                self._file_of_run[line["engine"]["id"]] = number
