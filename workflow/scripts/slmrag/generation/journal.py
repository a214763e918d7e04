"""The journal: every finished completion, on disk the moment it finishes, never generated twice.

A folder for each cache key; in it a file of JSON lines for each job, so that no job needs a lock.
A line is a completion ``{"digest": ..., ...}``, an engine run's record ``{"engine": ...}`` or a
prompt that an endpoint refused ``{"refused": {"digest": ..., ...}}``, which is no completion and
counts only as long as there is none. The completion of a prompt that was cut to fit is found by
the digest of the uncut one (``whole``), too. Folders of the same cache key under an older name are
read as well, and never written to. Where two jobs made the same completion, the one in the oldest
folder's first file by name counts, for ever; of refusals the last.
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

from slmrag.generation.journal_file import Appender, key_of, keys_of, lines

KEYS_A_QUERY = 500
CACHE_KB = 16384
SCHEMA = "CREATE TABLE {} (key BLOB PRIMARY KEY, file INTEGER, start INTEGER) WITHOUT ROWID"


class Journal:
    """The completions of one cache key, found by the digest of their prompt; memory stays flat."""

    def __init__(self, folder: Path, older: Sequence[Path] = ()) -> None:
        self.engines: dict[str, dict[str, Any]] = {}
        self._refused = False
        self._folder = folder
        self._files: list[BinaryIO] = []
        self._homes: dict[str, int] = {}
        self._own = Appender(folder / f"{time.time_ns():x}-{uuid4().hex[:12]}.jsonl")
        # A nameless sqlite file: it spills to the temporary folder and is gone with the process.
        self._index = sqlite3.connect("", isolation_level=None)
        self._index.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self._index.execute("PRAGMA synchronous = OFF")
        self._index.execute("PRAGMA journal_mode = OFF")
        for table in ("entries", "refusals"):
            self._index.execute(SCHEMA.format(table))
        self._index.execute("BEGIN")  # and never a commit: the file is ours and ends with us
        for one in (*older, folder):
            for path in sorted(one.glob("*.jsonl")):
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

    def get(self, digest: str) -> dict[str, Any] | None:
        """Return the completion of a prompt, or of what it was cut to; None where there is none."""
        places = self._find([digest])
        return self._line(*places[key_of(digest)]) if places else None

    def read(self, digests: Sequence[str]) -> list[dict[str, Any]]:
        """Return the completions of prompts, in their order; KeyError where one has none."""
        places = self._find(digests)
        return [self._line(*places[key_of(digest)]) for digest in digests]

    def refusals(self, digests: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return, by its digest, the refusal of each prompt that has one and no completion."""
        if not self._refused:
            return {}
        places, done = self._find(digests, "refusals"), self._find(digests)
        known = {d: places[key_of(d)] for d in digests if key_of(d) in places.keys() - done}
        return {digest: self._line(*place)["refused"] for digest, place in known.items()}

    def claim(self, digests: Sequence[str]) -> list[bool]:
        """Return of each prompt whether nobody asked for it yet in this job, and ask for it."""
        keys = [key_of(digest) for digest in digests]
        known = {key for key, *_ in self._rows_of(keys)}
        new = []
        for key in keys:
            new.append(key not in known)
            known.add(key)
        rows = ((key, None, None) for key in itertools.compress(keys, new))
        self._index.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
        return new

    def append(self, completions: Sequence[dict[str, Any]]) -> None:
        """Put finished completions, each with its ``digest``, on disk in one write."""
        starts = self._own.write(completions)
        pairs = zip(completions, starts, strict=True)
        rows = ((key, -1, start) for made, start in pairs for key in keys_of(made))
        self._index.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", rows)

    def refuse(self, refusals: Sequence[dict[str, Any]]) -> None:
        """Put prompts that an endpoint refused, each with its ``digest``, on disk in one write."""
        starts = self._own.write([{"refused": one} for one in refusals])
        pairs = zip(refusals, starts, strict=True)
        self._note_refusals([(key_of(one["digest"]), -1, start) for one, start in pairs])

    def note(self, record: dict[str, Any]) -> None:
        """Put what is known of an engine's run on disk; the last record of an ``id`` counts."""
        self.engines[record["id"]] = record
        self._homes[record["id"]] = -1
        self._own.write([{"engine": record}])

    def completions(self, run: str) -> Iterator[dict[str, Any]]:
        """Yield all completions of an engine's run, with those that an earlier file has as well."""
        file = self._file(self._homes[run])
        file.seek(0)
        return (line for _, line in lines(file, self._folder) if line.get("engine") == run)

    def sums(self, names: Sequence[str]) -> list[int]:
        """Return sums over all completions that were there at the start, twins counted twice.

        A number that a completion lacks counts as 0.
        """
        totals: Counter[str] = Counter()
        for file in self._files:
            file.seek(0)
            for _, line in lines(file, self._folder):
                totals.update({name: line.get(name) or 0 for name in names})
        return [totals[name] for name in names]

    def close(self) -> None:
        """Flush to the disk and let go of all files."""
        self._own.close()
        for file in self._files:
            file.close()
        self._index.close()

    def _find(self, digests: Sequence[str], table: str = "entries") -> dict[bytes, tuple[int, int]]:
        """Return file and start of each prompt's completion, by key, as far as there is one."""
        rows = self._rows_of([key_of(digest) for digest in digests], table)
        return {
            key: (file, start)
            for key, file, start in rows
            if file is not None and start is not None
        }

    def _rows_of(
        self, keys: Sequence[bytes], table: str = "entries"
    ) -> Iterator[tuple[bytes, int | None, int | None]]:
        for some in (keys[at : at + KEYS_A_QUERY] for at in range(0, len(keys), KEYS_A_QUERY)):
            marks = ",".join("?" * len(some))
            yield from self._index.execute(f"SELECT * FROM {table} WHERE key IN ({marks})", some)

    def _note_refusals(self, rows: Sequence[tuple[bytes, int, int]]) -> None:
        self._refused = self._refused or bool(rows)
        self._index.executemany("INSERT OR REPLACE INTO refusals VALUES (?, ?, ?)", rows)

    def _line(self, number: int, start: int) -> dict[str, Any]:
        file = self._file(number)
        file.seek(start)
        return json.loads(file.readline().decode())

    def _file(self, number: int) -> BinaryIO:
        return self._own.reader() if number < 0 else self._files[number]

    def _read(self, path: Path) -> None:
        file = path.open("rb")
        self._files.append(file)
        refused: list[tuple[bytes, int, int]] = []
        rows = self._entries(lines(file, path), len(self._files) - 1, refused)
        self._index.executemany("INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", rows)
        self._note_refusals(refused)

    def _entries(
        self, found: Iterable[tuple[int, dict[str, Any]]], number: int, refused: list[Any]
    ) -> Iterator[tuple[bytes, int, int]]:
        for start, line in found:
            if "digest" in line:
                yield from ((key, number, start) for key in keys_of(line))
            elif "refused" in line:
                refused.append((key_of(line["refused"]["digest"]), number, start))
            else:
                self.engines[line["engine"]["id"]] = line["engine"]
                self._homes[line["engine"]["id"]] = number
