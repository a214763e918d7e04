"""A file that is downloaded in parts; the list of finished parts survives the process."""

import ctypes
import errno
import json
import os
from functools import cache
from threading import Lock
from typing import Any

from slmrag.files import digest, write_json
from slmrag.storage.download_folder import Workspace
from slmrag.storage.source import RemoteFile

PART_BYTES = 16 << 20
"""Bytes of a part: small enough to lose little, large enough to cost few requests."""


def reserve(fd: int, size: int) -> None:
    """Give a file its size and reserve its space; OSError if the disk is too full.

    Writing into reserved space takes half the system time. ``os.posix_fallocate`` would write every
    block if the file system (NFS) cannot reserve; here only the size is set then.
    """
    os.ftruncate(fd, size)
    fallocate = _fallocate()
    if fallocate is None or not size:
        return
    zero, length = ctypes.c_longlong(0), ctypes.c_longlong(size)
    if fallocate(fd, 0, zero, length) and ctypes.get_errno() in (errno.ENOSPC, errno.EDQUOT):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@cache
def _fallocate() -> Any:
    """Return the C library's ``fallocate``; None if it has none."""
    return getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)


class PartialFile:
    """A partly downloaded file and, in the folder of the state, the list of its finished parts."""

    def __init__(self, work: Workspace, remote: RemoteFile) -> None:
        self.path, self.remote = work.data / remote.name, remote
        self.state = work.state / f"{digest(remote.name)}.json"
        self.lock = Lock()
        """Without it, threads that write one file at once wait inside the kernel."""
        self.done = self._finished_parts()
        self.resumed = bool(self.done)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        reserve(self.fd, remote.bytes or 0)

    def _finished_parts(self) -> set[int]:
        """Return the parts of an earlier try at the same content."""
        try:
            state = json.loads(self.state.read_text(encoding="utf-8"))
            whole = self.path.stat().st_size == self.remote.bytes
        except (OSError, ValueError):
            return set()
        same = state.get("remote") == self.remote.identity() and state.get("part") == PART_BYTES
        return set(state["done"]) if same and whole and self.remote.is_dated() else set()

    def __enter__(self) -> "PartialFile":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def spans(self) -> list[tuple[int, int]]:
        """Return ``[start, stop)`` of every part, in order."""
        size = self.remote.bytes or 0
        return [(start, min(start + PART_BYTES, size)) for start in range(0, size, PART_BYTES)]

    def write(self, data: bytes, offset: int) -> None:
        """Write bytes at an offset."""
        view = memoryview(data)
        with self.lock:
            while view:
                written = os.pwrite(self.fd, view, offset)
                offset, view = offset + written, view[written:]

    def mark(self, part: int) -> None:
        """Record that a part is complete; a file of one part needs no record."""
        if (self.remote.bytes or 0) <= PART_BYTES:
            return
        with self.lock:
            self.done.add(part)
            done = sorted(self.done)
            write_json(
                {"remote": self.remote.identity(), "part": PART_BYTES, "done": done}, self.state
            )

    def restart(self) -> None:
        """Forget all parts."""
        self.done.clear()
        self.state.unlink(missing_ok=True)
        os.ftruncate(self.fd, 0)
        reserve(self.fd, self.remote.bytes or 0)

    def finish(self) -> None:
        """Drop the list of parts: the file is complete."""
        self.state.unlink(missing_ok=True)
