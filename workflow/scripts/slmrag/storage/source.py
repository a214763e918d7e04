"""What every kind of source offers, and what all share."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from slmrag.errors import UserError

CHUNK_BYTES = 1 << 20
"""Bytes read at once."""


class Interrupted(Exception):
    """A transfer broke off for a reason that may pass: the rest is requested again."""


class NoRangeSupport(Exception):
    """The server sends whole files only."""


@dataclass(frozen=True)
class RemoteFile:
    """One file as its server describes it.

    ``bytes`` counts those that are sent, before an ``encoding`` is decoded; None if the server does
    not say. ``open_ended`` means that nothing marks the end: a truncated file looks complete.
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
        """Return what distinguishes this content from another one at the same address."""
        return {
            "locator": self.locator,
            "bytes": self.bytes,
            "etag": self.etag,
            "version_id": self.version_id,
            "last_modified": self.last_modified,
            "encoding": self.encoding,
        }

    def is_dated(self) -> bool:
        """Tell whether its identity changes with its content: it has more than address and size."""
        return bool(self.etag or self.version_id or self.last_modified)


class Source(Protocol):
    """A place that files come from: a new kind implements these three methods."""

    def files(self) -> list[RemoteFile]:
        """Return the files of the URI: one, or all under a prefix; UserError if there is none."""
        ...

    def describe(self, remote: RemoteFile) -> RemoteFile:
        """Return the same file with all that the server says about its content."""
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
    """Tell whether a name can be written as UTF-8: some names of files cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def file_names(remotes: Iterable[RemoteFile], uri: str) -> set[str]:
    """Return the names of the files on disk; UserError if two are equal or one leads out of it."""
    names = Counter(safe_name(remote.name, uri) for remote in remotes)
    holders = {name.rpartition("/")[0] for name in names}
    folders = {held[:end] for held in holders for end in _folder_ends(held)}
    for name, times in names.items():
        if times > 1 or name in folders:
            raise UserError(f"{uri}: two objects would become the file {name}; rename one")
    return set(names)


def _folder_ends(folder: str) -> Iterator[int]:
    """Yield the place where each parent folder's name ends, and its own."""
    yield from (place for place, letter in enumerate(f"{folder}/") if letter == "/")
