"""Digests of a file, computed while it arrives and compared with those that its server gives."""

import base64
import hashlib
import os
import re
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Protocol

from slmrag.storage.partial_file import PartialFile
from slmrag.storage.source import RemoteFile


class Digest(Protocol):
    """A digest that takes bytes in order."""

    def update(self, data: Any) -> None:
        """Take the next bytes."""
        ...

    def value(self) -> str:
        """Return the digest as its server writes it."""
        ...


class HexDigest:
    """A digest of the whole content, in hex."""

    def __init__(self, algorithm: str) -> None:
        self.hash = hashlib.new(algorithm, usedforsecurity=False)
        self.update = self.hash.update

    def value(self) -> str:
        """Return the hex digest."""
        return self.hash.hexdigest()


class Crc32:
    """The CRC-32 of the whole content."""

    def __init__(self) -> None:
        self.crc = 0

    def update(self, data: Any) -> None:
        """Take the next bytes."""
        self.crc = zlib.crc32(data, self.crc)

    def digest(self) -> bytes:
        """Return the four bytes, the highest first."""
        return self.crc.to_bytes(4, "big")


class Base64Digest:
    """A digest of the whole content, in base64, as S3 gives its checksums."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.inner = make()
        self.update = self.inner.update

    def value(self) -> str:
        """Return the base64 of the digest."""
        return base64.b64encode(self.inner.digest()).decode()


class CompositeDigest:
    """A digest of the parts' digests, as S3 gives it for an object uploaded in parts."""

    def __init__(
        self, make: Callable[[], Any], part_bytes: int, write: Callable[[bytes], str]
    ) -> None:
        self.make, self.part_bytes, self.write = make, part_bytes, write
        self.digests: list[bytes] = []
        self.inner, self.left = make(), part_bytes

    def update(self, data: Any) -> None:
        """Take the next bytes, which may span several parts."""
        view = memoryview(data)
        while view:
            if not self.left:
                self._close_part()
            piece = view[: self.left]
            self.inner.update(piece)
            self.left -= len(piece)
            view = view[len(piece) :]

    def _close_part(self) -> None:
        self.digests.append(self.inner.digest())
        self.inner, self.left = self.make(), self.part_bytes

    def value(self) -> str:
        """Return the digest of the digests and their number."""
        self._close_part()
        whole = self.make()
        whole.update(b"".join(self.digests))
        return f"{self.write(whole.digest())}-{len(self.digests)}"


MD5 = re.compile(r"[0-9a-f]{32}")
MULTIPART = re.compile(r"[0-9a-f]{32}-\d+")
BLOCK_BYTES = 1 << 20
HASH_FACTORIES: dict[str, Callable[[], Any]] = {
    "crc32": Crc32,
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
}


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def expected_digests(remote: RemoteFile) -> list[tuple[str, str, Digest]]:
    """Return (name, expected value, digest) for each digest that the server gives.

    These are its checksums or, if none can be computed here, an ETag that is a digest. With a
    checksum the ETag is left out: MD5 takes twice the time of SHA-256 and would find nothing more.
    """
    checks = [
        (name, value, digest)
        for name, value in sorted(remote.checksums.items())
        if (digest := _checksum_digest(name, value, remote.part_bytes))
    ]
    return checks or _etag_digest(remote)


def _etag_digest(remote: RemoteFile) -> list[tuple[str, str, Digest]]:
    etag = remote.etag or ""
    if not remote.etag_is_digest:
        return []
    if MD5.fullmatch(etag):
        return [("ETag (MD5)", etag, HexDigest("md5"))]
    if MULTIPART.fullmatch(etag) and remote.part_bytes:
        return [("ETag (MD5 of parts)", etag, CompositeDigest(_md5, remote.part_bytes, bytes.hex))]
    return []


def _checksum_digest(name: str, value: str, part_bytes: int | None) -> Digest | None:
    make = HASH_FACTORIES.get(name)
    if make is None:
        return None
    if "-" not in value:
        return Base64Digest(make)
    return CompositeDigest(make, part_bytes, _base64) if part_bytes else None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _feed(digest: Digest, fd: int, start: int, stop: int) -> None:
    """Feed the bytes ``[start, stop)`` of a file just written, from the page cache."""
    for at in range(start, stop, BLOCK_BYTES):
        digest.update(os.pread(fd, min(BLOCK_BYTES, stop - at), at))


class Mismatch(Exception):
    """The content is not what the server describes."""


class FileChecks:
    """The digests of one file, fed in the order of its bytes."""

    def __init__(self, remote: RemoteFile) -> None:
        self.expected: list[tuple[str, str, Digest]] = expected_digests(remote)
        self.sha256 = HexDigest("sha256")

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        self.sha256.update(data)
        for _, _, digest in self.expected:
            digest.update(data)

    def update_from_disk(
        self, partial: PartialFile, start: int, stop: int, aside: Executor
    ) -> None:
        """Take the next bytes from the disk: SHA-256 in this thread, other digests in ``aside``."""
        jobs = [
            aside.submit(_feed, digest, partial.fd, start, stop) for _, _, digest in self.expected
        ]
        _feed(self.sha256, partial.fd, start, stop)
        for job in jobs:
            job.result()

    def verified_sha256(self) -> str:
        """Return the SHA-256; Mismatch if another digest is not the server's."""
        for name, value, digest in self.expected:
            if digest.value() != value:
                raise Mismatch(f"its {name} is {digest.value()}, but the server gives {value}")
        return self.sha256.value()


def mismatch_reason(
    remotes: Sequence[RemoteFile], files: Sequence[dict[str, Any]], sha256: str | None
) -> str:
    """Return why a download is refused (other content, or perhaps incomplete), or an empty text.

    ``sha256`` may be that of the file or, if it was decoded, of the bytes that were sent.
    """
    file = files[0]
    if sha256 and sha256 not in (file["sha256"], file.get("sent", file)["sha256"]):
        sent = f" (sent as {file['sent']['encoding']}, and decoded)" if "sent" in file else ""
        return (
            f"its SHA-256 is {file['sha256']}{sent}, but the config expects {sha256}; "
            "correct the config or the object"
        )
    if remotes[0].open_ended and not sha256 and "sent" not in file:
        return (
            "its server gives neither its length nor its end, so a truncated file would look "
            f"complete; if the {file['bytes']} bytes received are all of it, set the object's "
            f"sha256: {file['sha256']}"
        )
    return ""
