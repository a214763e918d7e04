"""Files and folders of this machine, as a source."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from slmrag.errors import UserError
from slmrag.storage.local_sources import File, files_of
from slmrag.storage.source import CHUNK, Remote


def remote(name: str, file: File) -> Remote:
    """Return a file of this machine as one that its disk describes."""
    size, changed = file.stamp[:2]
    date = datetime.fromtimestamp(changed / 1e9, UTC).isoformat()
    return Remote(name, file.path, size, last_modified=date)


class Local:
    """A ``file://`` URI or a path, relative to the folder that the workflow runs in."""

    def __init__(self, uri: str, storage: dict[str, Any]) -> None:
        self.uri = uri
        self.path = Path(unquote(urlsplit(uri).path) if uri.startswith("file:") else uri)

    def files(self) -> list[Remote]:
        """Return the file, or every file below the folder."""
        found = files_of(str(self.path))
        if not found and self.path.is_dir():
            raise UserError(f"{self.uri}: the folder is empty; give one that holds files")
        if not found:
            raise UserError(f"{self.uri}: no such file; check the path {self.path.absolute()}")
        names = sorted(found, key=lambda name: name.split("/"))
        return [remote(name, found[name]) for name in names]

    def describe(self, remote: Remote) -> Remote:
        """Return ``remote``: the disk tells no digest."""
        return remote

    def read(self, remote: Remote, start: int, stop: int | None) -> Iterator[bytes]:
        """Yield the bytes of the file."""
        try:
            with open(remote.locator, "rb") as file:
                file.seek(start)
                left = (remote.bytes if stop is None else stop) - start
                while left > 0 and (chunk := file.read(min(CHUNK, left))):
                    left -= len(chunk)
                    yield chunk
        except PermissionError as error:
            raise UserError(f"{self.uri}: may not be read; check its permissions") from error
