"""Digests of bytes that are fed in order, written as servers write them."""

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Any, Protocol


class Digest(Protocol):
    """Takes bytes in order and ends in a value."""

    def update(self, data: Any) -> None:
        """Take the next bytes."""
        ...

    def value(self) -> str:
        """Return the digest as its server writes it."""
        ...


class Plain:
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


class Encoded:
    """A digest of the whole content, in base64, as S3 gives its checksums."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.inner = make()
        self.update = self.inner.update

    def value(self) -> str:
        """Return the base64 of the digest."""
        return base64.b64encode(self.inner.digest()).decode()


class Composite:
    """A digest of the parts' digests, as S3 gives it for an object uploaded in parts."""

    def __init__(
        self, make: Callable[[], Any], part_bytes: int, write: Callable[[bytes], str]
    ) -> None:
        self.make, self.part_bytes, self.write = make, part_bytes, write
        self.digests: list[bytes] = []
        self.inner, self.left = make(), part_bytes

    def update(self, data: Any) -> None:
        """Take the next bytes, across the borders of parts."""
        view = memoryview(data)
        while view:
            if not self.left:
                self._close()
            piece = view[: self.left]
            self.inner.update(piece)
            self.left -= len(piece)
            view = view[len(piece) :]

    def _close(self) -> None:
        self.digests.append(self.inner.digest())
        self.inner, self.left = self.make(), self.part_bytes

    def value(self) -> str:
        """Return the digest of the digests and their number."""
        self._close()
        whole = self.make()
        whole.update(b"".join(self.digests))
        return f"{self.write(whole.digest())}-{len(self.digests)}"
