"""The folder in which a download grows until it is whole."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple
from uuid import uuid4

from slmrag.errors import UserError

LOCK_NAME, DATA_NAME, STATE_NAME = ".lock", "data", "state"


class Workspace(NamedTuple):
    """``data`` becomes the folder that is made; ``state`` says how far an earlier try came.

    They lie apart, so that no file of the data can have the name of one of the download's own.
    """

    data: Path
    state: Path


@contextmanager
def workspace(folder: Path) -> Iterator[Workspace]:
    """Yield folders beside ``folder`` that replace it on success and stay to be resumed if not.

    A twin that runs at the same time gets folders of its own, removed when it fails.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.part")
    lock = _lock(work)
    if lock is None:
        with _separate_workspace(folder) as own:
            yield own
        return
    with lock:
        yield _prepare(work)
        _replace(work, folder)


def _lock(work: Path) -> IO[str] | None:
    """Return the lock of a workspace; None where another holds it, or has just moved the folder."""
    work.mkdir(exist_ok=True)
    try:
        lock = open(work / LOCK_NAME, "w")  # noqa: SIM115
    except FileNotFoundError:
        return None
    if _is_mine(lock, work / LOCK_NAME):
        return lock
    lock.close()
    return None


def _is_mine(lock: IO[str], path: Path) -> bool:
    """Tell whether nobody else holds the lock, nor has renamed its folder meanwhile."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return path.stat().st_ino == os.fstat(lock.fileno()).st_ino
    except OSError:
        return False


def _prepare(work: Path) -> Workspace:
    """Return the folders of a workspace, freed of what is neither data nor state."""
    for path in work.iterdir():
        if path.name not in (LOCK_NAME, DATA_NAME, STATE_NAME):
            _remove(path)
    made = Workspace(work / DATA_NAME, work / STATE_NAME)
    for path in made:
        path.mkdir(exist_ok=True)
    return made


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


@contextmanager
def _separate_workspace(folder: Path) -> Iterator[Workspace]:
    own = folder.with_name(f".{folder.name}.{uuid4().hex[:12]}.part")
    own.mkdir()
    try:
        yield _prepare(own)
        _replace(own, folder)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _replace(work: Path, folder: Path) -> None:
    """Put the data of ``work`` in the place of ``folder``; what stood there goes last."""
    old = folder.with_name(f".{folder.name}.{uuid4().hex[:12]}.old")
    done = old.with_name(f"{old.name}.done")
    with suppress(FileNotFoundError):
        os.rename(folder, old)
    os.rename(work / DATA_NAME, folder)
    os.rename(work, done)  # at once, so that a twin which begins now makes its own anew
    for path in (old, done):
        shutil.rmtree(path, ignore_errors=True)


def remove_leftovers(data: Path, wanted: set[str]) -> None:
    """Remove what an earlier try left of files that are no longer there, by name below ``data``."""
    for folder, _, files in os.walk(data, topdown=False):
        at = _name_below(folder, data)
        for name in files:
            if at + name not in wanted:
                os.unlink(os.path.join(folder, name))
        if at:
            with suppress(OSError):
                os.rmdir(folder)


def refuse_merged_names(data: Path, wanted: set[str]) -> None:
    """Raise UserError where a file does not lie below ``data`` by its own name.

    A disk that knows no capital letters, or one way to write an accent, takes one name for two.
    """
    there = {
        _name_below(folder, data) + name for folder, _, files in os.walk(data) for name in files
    }
    if lost := sorted(wanted - there):
        raise UserError(
            f"{lost[0]}: this disk takes another file's name for it (capital letters, or accents "
            "written in another way); rename one, or use another disk"
        )


def _name_below(folder: str, data: Path) -> str:
    """Return the name of a folder below ``data``, with a slash behind it; empty for ``data``."""
    below = os.path.relpath(folder, data)
    return "" if below == "." else f"{below}/"


def refuse_full_disk(data: Path, total: int) -> None:
    """Raise UserError where ``total`` bytes, less those that came earlier, have no place."""
    have = sum(path.stat().st_blocks * 512 for path in data.rglob("*") if path.is_file())
    free = shutil.disk_usage(data).free
    if total - have > free:
        raise UserError(
            f"{data.parent}: {total - have} bytes are still to come, but only {free} are free; "
            "make room on this disk"
        )
