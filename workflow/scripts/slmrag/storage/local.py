"""Files and folders of this machine, as a source."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from slmrag.config import file_patterns
from slmrag.errors import UserError
from slmrag.storage.source import CHUNK_BYTES, RemoteFile


class LocalFile(NamedTuple):
    """A file and its stamp, which shows a change: size, times in nanoseconds and inode."""

    path: str
    stamp: list[int]


def as_remote(name: str, file: LocalFile) -> RemoteFile:
    """Return a local file as a ``RemoteFile``."""
    size, changed = file.stamp[:2]
    date = datetime.fromtimestamp(changed / 1e9, UTC).isoformat()
    return RemoteFile(name, file.path, size, last_modified=date)


class Local:
    """A ``file://`` URI or a path, relative to the folder that the workflow runs in."""

    def __init__(self, uri: str, storage: dict[str, Any]) -> None:
        self.uri = uri
        self.path = Path(unquote(urlsplit(uri).path) if uri.startswith("file:") else uri)

    def files(self) -> list[RemoteFile]:
        """Return the file, or every file below the folder."""
        found = files_of(str(self.path))
        if not found and self.path.is_dir():
            raise UserError(f"{self.uri}: the folder is empty; give one that holds files")
        if not found:
            raise UserError(f"{self.uri}: no such file; check the path {self.path.absolute()}")
        names = sorted(found, key=lambda name: name.split("/"))
        return [as_remote(name, found[name]) for name in names]

    def describe(self, remote: RemoteFile) -> RemoteFile:
        """Return ``remote``: a disk gives no digest."""
        return remote

    def read(self, remote: RemoteFile, start: int, stop: int | None) -> Iterator[bytes]:
        """Yield the bytes of the file."""
        try:
            with open(remote.locator, "rb") as file:
                file.seek(start)
                left = ((remote.bytes or 0) if stop is None else stop) - start
                while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
                    left -= len(chunk)
                    yield chunk
        except PermissionError as error:
            raise UserError(f"{self.uri}: may not be read; check its permissions") from error


def is_local(uri: str) -> bool:
    """Tell whether a URI names a file or a folder of this machine."""
    return uri.startswith("file:") or ("://" not in uri and not uri.startswith("hf:"))


def path_of(uri: str) -> str:
    """Return the path that a local URI names."""
    return unquote(urlsplit(uri).path) if uri.startswith("file:") else uri


def files_of(uri: str) -> dict[str, LocalFile]:
    """Return the files of a local source (a file, a folder, a pattern) by name; empty for none."""
    path = path_of(uri)
    if os.path.isfile(path):
        return {os.path.basename(path): LocalFile(path, _stamp(os.stat(path)))}
    if os.path.isdir(path):
        return dict(_below(path, ""))
    return _matching(*file_patterns.split(path)) if "*" in path else {}


def _matching(folder: str, pattern: str) -> dict[str, LocalFile]:
    """Return the files below a folder that match a pattern, by their names there."""
    folder = folder or os.curdir
    known = os.path.isdir(folder)
    files = dict(_below(folder, "", file_patterns.depth(pattern))) if known else {}
    return {name: files[name] for name in file_patterns.matching(files, pattern)}


def _below(folder: str, name: str, depth: int = -1) -> Iterator[tuple[str, LocalFile]]:
    """Yield name and file of all files below a folder; links to folders are not followed.

    It goes at most ``depth`` folders deep; a negative depth means no limit.
    """
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                if depth:
                    yield from _below(entry.path, f"{name}{entry.name}/", depth - 1)
            elif entry.is_file():
                yield f"{name}{entry.name}", LocalFile(entry.path, _stamp(entry.stat()))


def _stamp(about: os.stat_result) -> list[int]:
    return [about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino]
