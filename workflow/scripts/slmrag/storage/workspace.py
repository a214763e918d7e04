"""The folder in which a download grows until it is whole."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from slmrag.errors import UserError

LOCK = ".lock"


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """Yield a folder beside ``folder`` that replaces it on success and stays to be resumed if not.

    A twin that runs at the same time gets a folder of its own, removed when it fails.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.part")
    work.mkdir(exist_ok=True)
    with open(work / LOCK, "w") as lock:
        if not _is_mine(lock, work / LOCK):
            with _own(folder) as own:
                yield own
            return
        yield work
        (work / LOCK).unlink(missing_ok=True)
        _replace(work, folder)


def _is_mine(lock: IO[str], path: Path) -> bool:
    """Tell whether nobody else holds the lock, nor has renamed its folder meanwhile."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return path.stat().st_ino == os.fstat(lock.fileno()).st_ino
    except OSError:
        return False


@contextmanager
def _own(folder: Path) -> Iterator[Path]:
    own = folder.with_name(f".{folder.name}.{uuid4().hex[:12]}.part")
    own.mkdir()
    try:
        yield own
        _replace(own, folder)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _replace(work: Path, folder: Path) -> None:
    """Put ``work`` in the place of ``folder``; what stood there goes last."""
    old = folder.with_name(f".{folder.name}.{uuid4().hex[:12]}.old")
    with suppress(FileNotFoundError):
        os.rename(folder, old)
    os.rename(work, folder)
    shutil.rmtree(old, ignore_errors=True)


def sweep(work: Path, wanted: set[Path]) -> None:
    """Remove what an earlier try left of files that are no longer there."""
    for path in sorted(work.rglob("*"), reverse=True):
        if path.is_dir():
            with suppress(OSError):
                path.rmdir()
        elif path not in wanted and path != work / LOCK:
            path.unlink()


def refuse_full_disk(work: Path, total: int) -> None:
    """Raise UserError where ``total`` bytes, less those that came earlier, have no place."""
    have = sum(path.stat().st_blocks * 512 for path in work.rglob("*") if path.is_file())
    free = shutil.disk_usage(work).free
    if total - have > free:
        raise UserError(
            f"{work.parent}: {total - have} bytes are still to come, but only {free} are free; "
            "make room on this disk"
        )
