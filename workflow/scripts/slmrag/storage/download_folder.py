"""The folder in which a download grows until it is complete."""

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
    """``data`` becomes the final folder; ``state`` holds what a later try needs to resume.

    They are apart, so that no downloaded file can have the name of a file of the state.
    """

    data: Path
    state: Path


@contextmanager
def workspace(folder: Path) -> Iterator[Workspace]:
    """Yield folders beside ``folder``: on success they replace it, else a later try resumes them.

    A second process at the same time gets separate folders, removed if it fails.
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
    """Return the lock of a workspace; None if another process holds it or has moved the folder."""
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
    """Tell whether this process got the lock, and its folder was not renamed meanwhile."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return path.stat().st_ino == os.fstat(lock.fileno()).st_ino
    except OSError:
        return False


def _prepare(work: Path) -> Workspace:
    """Make the folders of a workspace and remove all that is neither data nor state."""
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
    """Replace ``folder`` by the data of ``work``; the old folder is removed last."""
    old = folder.with_name(f".{folder.name}.{uuid4().hex[:12]}.old")
    done = old.with_name(f"{old.name}.done")
    with suppress(FileNotFoundError):
        os.rename(folder, old)
    os.rename(work / DATA_NAME, folder)
    os.rename(work, done)  # at once: a process that begins now makes its own
    for path in (old, done):
        shutil.rmtree(path, ignore_errors=True)


def remove_leftovers(data: Path, wanted: set[str]) -> None:
    """Remove files of an earlier try that the source no longer has, by name below ``data``."""
    for folder, _, files in os.walk(data, topdown=False):
        at = _name_below(folder, data)
        for name in files:
            if at + name not in wanted:
                os.unlink(os.path.join(folder, name))
        if at:
            with suppress(OSError):
                os.rmdir(folder)


def refuse_merged_names(data: Path, wanted: set[str]) -> None:
    """Raise UserError if a file is not found below ``data`` under its own name.

    A disk that ignores case, or the two ways to write an accent, merges two names into one.
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
    """Return the name of a folder below ``data``, with a slash at its end; empty for ``data``."""
    below = os.path.relpath(folder, data)
    return "" if below == "." else f"{below}/"


def refuse_full_disk(data: Path, total: int) -> None:
    """Raise UserError if the disk has no room for ``total`` bytes, less those already there."""
    have = sum(path.stat().st_blocks * 512 for path in data.rglob("*") if path.is_file())
    free = shutil.disk_usage(data).free
    if total - have > free:
        raise UserError(
            f"{data.parent}: {total - have} bytes are still to come, but only {free} are free; "
            "make room on this disk"
        )
