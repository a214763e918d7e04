"""What every kind of source offers, and the words they share."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from slmrag.errors import UserError

CHUNK_BYTES = 1 << 20
"""Bytes read at once."""


class Interrupted(Exception):
    """A transfer broke off for a reason that may pass: the rest is asked for again."""


class NoRangeSupport(Exception):
    """The server sends whole files only."""


@dataclass(frozen=True)
class RemoteFile:
    """One file as its server describes it; ``bytes`` is None where the server does not say.

    They are those that are sent: with an ``encoding`` the file is another one once it is decoded.
    An ``open_ended`` one has no mark of its end: cut, it looks whole.
    """

    name: str
    locator: str
    bytes: int | None = None
    etag: str | None = None
    version_id: str | None = None
    last_modified: str | None = None
    part_bytes: int | None = None
    etag_is_digest: bool = False
    encoding: str | None = None
    open_ended: bool = False
    checksums: Mapping[str, str] = field(default_factory=dict)

    def identity(self) -> dict[str, str | int | None]:
        """Return what tells this content from another one at the same place."""
        return {
            "locator": self.locator,
            "bytes": self.bytes,
            "etag": self.etag,
            "version_id": self.version_id,
            "last_modified": self.last_modified,
            "encoding": self.encoding,
        }

    def is_dated(self) -> bool:
        """Tell whether its identity would change with its content: not by place and size alone."""
        return bool(self.etag or self.version_id or self.last_modified)


class Source(Protocol):
    """A place that files come from: a new kind implements these three methods."""

    def files(self) -> list[RemoteFile]:
        """Return the files of the URI: one, or all under a prefix; UserError where none is."""
        ...

    def describe(self, remote: RemoteFile) -> RemoteFile:
        """Return the same file with all that the server tells about its content."""
        ...

    def read(self, remote: RemoteFile, start: int, stop: int | None) -> Iterator[bytes]:
        """Yield the bytes ``[start, stop)``; raise Interrupted where another try may help."""
        ...


def safe_name(name: str, uri: str) -> str:
    """Return ``name`` if it stays inside the folder that it is joined to; else UserError."""
    if not _is_text(name):
        raise UserError(f"{uri}: the file name {name!a} is no UTF-8; rename the file")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or not parts or "\0" in name or "\\" in name:
        raise UserError(f"{uri}: the file name {name!r} leads out of its folder; rename the object")
    return "/".join(parts)


def _is_text(name: str) -> bool:
    """Tell whether a name can be written as UTF-8: the bytes of some files' names cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def file_names(remotes: Iterable[RemoteFile], uri: str) -> set[str]:
    """Return the names that files will have; UserError where two would be one, or leads out."""
    names = Counter(safe_name(remote.name, uri) for remote in remotes)
    holders = {name.rpartition("/")[0] for name in names}
    folders = {held[:end] for held in holders for end in _folder_ends(held)}
    for name, times in names.items():
        if times > 1 or name in folders:
            raise UserError(f"{uri}: two objects would become the file {name}; rename one")
    return set(names)


def _folder_ends(folder: str) -> Iterator[int]:
    """Yield where the name of each folder ends that a folder lies in, its own among them."""
    yield from (place for place, letter in enumerate(f"{folder}/") if letter == "/")
