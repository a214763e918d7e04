"""Files and folders of this machine, as a source."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from slmrag.errors import UserError
from slmrag.local_sources import files_of
from slmrag.storage.base import CHUNK, Remote


class Local:
    """A ``file://`` URI or a path, relative to the folder that the workflow runs in."""

    def __init__(self, uri: str, storage: dict[str, Any]) -> None:
        self.uri = uri
        self.path = Path(unquote(urlsplit(uri).path) if uri.startswith("file:") else uri)

    def files(self) -> list[Remote]:
        """Return the file, every file below the folder, or every file that the pattern means."""
        if self.path.is_dir():
            files = sorted(path for path in self.path.rglob("*") if path.is_file())
            if not files:
                raise UserError(f"{self.uri}: the folder is empty; give one that holds files")
            return [self._remote(path, path.relative_to(self.path).as_posix()) for path in files]
        if not self.path.is_file() and (found := files_of(self.uri)):
            return [self._remote(Path(file.path), name) for name, file in found.items()]
        if not self.path.is_file():
            raise UserError(f"{self.uri}: no such file; check the path {self.path.absolute()}")
        return [self._remote(self.path, self.path.name)]

    def _remote(self, path: Path, name: str) -> Remote:
        stat = path.stat()
        changed = datetime.fromtimestamp(stat.st_mtime, UTC).isoformat()
        return Remote(name, str(path), stat.st_size, last_modified=changed)

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
