"""Files that are complete although their download broke off: the next try does not fetch them."""

import json
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from slmrag.files import sha256_file
from slmrag.storage.download_folder import Workspace
from slmrag.storage.source import RemoteFile


class FinishedFiles:
    """A list in the state's folder, a line per file: its name, identity, size and digest."""

    def __init__(self, work: Workspace) -> None:
        path = work.state / "arrived.jsonl"
        self._data = work.data
        self._known = _read(path)
        self._list = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115
        self._lock = Lock()

    def __enter__(self) -> "FinishedFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self._list.close()

    def find(self, remote: RemoteFile) -> dict[str, Any] | None:
        """Return size and digest of a file that an earlier try finished; None if it has changed."""
        identity, facts = self._known.get(remote.name, (None, {}))
        if identity != remote.identity() or not remote.is_dated():
            return None
        with suppress(OSError):
            return facts if sha256_file(self._data / remote.name) == facts["sha256"] else None
        return None

    def add(self, remote: RemoteFile, facts: dict[str, Any]) -> None:
        """Record that a file is there, whole."""
        line = json.dumps([remote.name, remote.identity(), facts]) + "\n"
        with self._lock:
            self._list.write(line)


def _read(path: Path) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return identity, size and digest of each file by its name; a truncated line is skipped."""
    known = {}
    with suppress(FileNotFoundError), open(path, encoding="utf-8") as lines:
        for line in lines:
            with suppress(ValueError):
                name, identity, facts = json.loads(line)
                known[name] = identity, facts
    return known
