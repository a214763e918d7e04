"""Bodies with a Content-Encoding: decoded, unless the file's name says that it is compressed."""

import codecs
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.files import sha256_file
from slmrag.storage.partial_file import PartialFile

log = logging.getLogger(__name__)

BLOCK_BYTES = 1 << 18
NO_CODINGS = {"", "identity", "aws-chunked"}
"""Values that mean no coding; the last is a trace of an upload to S3."""
CODING_ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}
CODING_SUFFIXES = {"gzip": (".gz", ".tgz"), "zstd": (".zst",), "br": (".br",), "compress": (".z",)}
"""Suffixes of files that a coding makes."""
CODING_MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
KNOWN_CODINGS = {*CODING_SUFFIXES, "deflate"}


def content_coding(header: str | None) -> str | None:
    """Return the codings of a Content-Encoding, joined by ``, ``; None if there is none."""
    parts = [part.strip().lower() for part in (header or "").split(",")]
    return (
        ", ".join(CODING_ALIASES.get(part, part) for part in parts if part not in NO_CODINGS)
        or None
    )


def decode_partial(partial: PartialFile, encoding: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Replace a file by its decoded content and describe both; or leave it as it was sent."""
    aside = partial.state.with_suffix(".decoded")
    try:
        if not decode_file(partial.path, encoding, aside, partial.remote.name):
            return facts
    except UserError:
        partial.restart()
        raise
    decoded = {"bytes": aside.stat().st_size, "sha256": sha256_file(aside)}
    partial.finish()
    aside.replace(partial.path)
    return decoded | {"sent": {"encoding": encoding, **facts}}


def decode_file(path: Path, encoding: str, aside: Path, where: str) -> bool:
    """Write a file's decoded content to ``aside``; False if it stays as it was sent.

    It stays if its name has the suffix of the coding (``x.csv.gz``), or if it is not encoded
    although its server says so. UserError if it is damaged or of an unknown coding.
    """
    decoded = False
    for coding in reversed(encoding.split(", ")):
        if not decoded and _is_coded_as_named(path, coding):
            continue
        if not _can_be_coded(coding, aside if decoded else path):
            log.warning("%s: is not %s, although its server says so; kept as sent", where, coding)
            continue
        _decode_once(aside if decoded else path, coding, aside, where)
        decoded = True
    return decoded


def _can_be_coded(one: str, path: Path) -> bool:
    """Tell whether a content can be of a coding: some servers name a wrong one.

    (Some write ``utf-8`` there, which is no coding.) A text has no coding.
    """
    if one in CODING_MAGIC:
        return _coding_at_start(_blocks(path)) == one
    try:
        codecs.getincrementaldecoder("utf-8")().decode(next(_blocks(path), b""))
    except UnicodeDecodeError:
        return one in KNOWN_CODINGS
    return False


def _is_coded_as_named(path: Path, one: str) -> bool:
    """Tell whether a file has a coding's suffix and is encoded once only."""
    if not path.name.lower().endswith(CODING_SUFFIXES.get(one, ())):
        return False
    try:
        return (
            one not in CODING_MAGIC
            or _coding_at_start(_decode_blocks(_blocks(path), _decoder_factory(one, ""))) != one
        )
    except (ValueError, zlib.error):
        return True


def _coding_at_start(blocks: Iterable[bytes]) -> str | None:
    """Return the coding that the first bytes show, or None."""
    first = next((block for block in blocks if block), b"")
    return next((one for one, magic in CODING_MAGIC.items() if first.startswith(magic)), None)


def _decode_once(path: Path, one: str, aside: Path, where: str) -> None:
    make = _decoder_factory(one, where)
    target = aside.with_name(f"{aside.name}.next")
    try:
        with open(target, "wb") as file:
            for block in _decode_blocks(_blocks(path), make):
                file.write(block)
    except (ValueError, zlib.error) as error:
        raise UserError(
            f"{where}: what arrived is damaged: it is sent as {one} and cannot be decoded "
            f"({error}); run again"
        ) from error
    target.replace(aside)


def _decoder_factory(one: str, where: str) -> Callable[[], Any]:
    """Return a function that makes a decoder of one stream."""
    if one == "gzip":
        return lambda: zlib.decompressobj(31)
    if one == "deflate":
        return _Deflate
    if one == "zstd":
        return _Zstd
    raise UserError(
        f"{where}: is sent with Content-Encoding {one}, which is not supported; give a link or "
        "an object that is not encoded, or encoded by gzip"
    )


class _Deflate:
    """A deflate stream, with zlib's header or, from some servers, without it."""

    def __init__(self) -> None:
        self.inner: Any = None

    def decompress(self, data: bytes) -> bytes:
        if self.inner is None:
            headed = data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self.inner = zlib.decompressobj(zlib.MAX_WBITS if headed else -zlib.MAX_WBITS)
        return self.inner.decompress(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _Zstd:
    """A frame of zstd, whose errors are ValueErrors."""

    def __init__(self) -> None:
        from zstandard import ZstdDecompressor

        self.inner = ZstdDecompressor().decompressobj()

    def decompress(self, data: bytes) -> bytes:
        from zstandard import ZstdError

        try:
            return self.inner.decompress(data)
        except ZstdError as error:
            raise ValueError(str(error)) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def _blocks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _decode_blocks(blocks: Iterable[bytes], make: Callable[[], Any]) -> Iterator[bytes]:
    """Yield the content of concatenated streams; ValueError if one is truncated."""
    stream = None
    for block in blocks:
        while block:
            stream = stream or make()
            yield stream.decompress(block)
            if not stream.eof:
                break
            block, stream = stream.unused_data.lstrip(b"\0"), None
    if stream is not None:
        raise ValueError("its end is missing")
