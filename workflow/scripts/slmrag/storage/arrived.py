"""Files that came whole before their download broke off: the next one does not fetch them again."""

import json
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from slmrag.files import sha256_file
from slmrag.storage.download_folder import Workspace
from slmrag.storage.source import Remote


class Arrived:
    """A list in the state's folder, a line for each file: what it was, and what came of it."""

    def __init__(self, work: Workspace) -> None:
        path = work.state / "arrived.jsonl"
        self._data = work.data
        self._known = _read(path)
        self._list = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115
        self._lock = Lock()

    def __enter__(self) -> "Arrived":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._list.close()

    def before(self, remote: Remote) -> dict[str, Any] | None:
        """Return size and digest of a file that an earlier try brought, if it is that still."""
        identity, came = self._known.get(remote.name, (None, {}))
        if identity != remote.identity() or not remote.is_dated():
            return None
        with suppress(OSError):
            return came if sha256_file(self._data / remote.name) == came["sha256"] else None
        return None

    def note(self, remote: Remote, came: dict[str, Any]) -> None:
        """Note that a file is there, whole."""
        line = json.dumps([remote.name, remote.identity(), came]) + "\n"
        with self._lock:
            self._list.write(line)


def _read(path: Path) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return identity and fate of each file by its name; a line that was cut counts for nothing."""
    known = {}
    with suppress(FileNotFoundError), open(path, encoding="utf-8") as lines:
        for line in lines:
            with suppress(ValueError):
                name, identity, came = json.loads(line)
                known[name] = identity, came
    return known
