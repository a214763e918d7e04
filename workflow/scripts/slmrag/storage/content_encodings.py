"""Bodies that a server sends encoded: kept as sent where the name says so, decoded elsewhere."""

import codecs
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.files import sha256_file
from slmrag.storage.partial_file import Partial

log = logging.getLogger(__name__)

BLOCK_BYTES = 1 << 18
UNENCODED = {"", "identity", "aws-chunked"}
"""Codings after which nothing is to be decoded; the last is a trace of how S3 was uploaded to."""
ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}
SUFFIXES = {"gzip": (".gz", ".tgz"), "zstd": (".zst",), "br": (".br",), "compress": (".z",)}
"""Ends of names whose files are what the coding makes."""
MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
KNOWN = {*SUFFIXES, "deflate"}


def coding(header: str | None) -> str | None:
    """Return the codings of a Content-Encoding, ``, `` between them; None where there is none."""
    parts = [part.strip().lower() for part in (header or "").split(",")]
    return ", ".join(ALIASES.get(part, part) for part in parts if part not in UNENCODED) or None


def decode_partial(partial: Partial, encoding: str, came: dict[str, Any]) -> dict[str, Any]:
    """Put the decoded content in the place of what was sent, and say both; or leave it as sent."""
    aside = partial.state.with_suffix(".decoded")
    try:
        if not decode(partial.path, encoding, aside, partial.remote.name):
            return came
    except UserError:
        partial.restart()
        raise
    about = {"bytes": aside.stat().st_size, "sha256": sha256_file(aside)}
    partial.finish()
    aside.replace(partial.path)
    return about | {"sent": {"encoding": encoding, **came}}


def decode(path: Path, encoding: str, aside: Path, where: str) -> bool:
    """Write what a file holds, decoded, to ``aside``; False where it is to stay as it was sent.

    That is where its name ends as encoded files do (``x.csv.gz``), and where the content is not
    encoded though its server says so. UserError for what is damaged, or nothing here can decode.
    """
    undone = False
    for one in reversed(encoding.split(", ")):
        if not undone and _as_named(path, one):
            continue
        if not _may_be(one, aside if undone else path):
            log.warning("%s: sent as %s, which it is not; kept as it came", where, one)
            continue
        _decode(aside if undone else path, one, aside, where)
        undone = True
    return undone


def _may_be(one: str, path: Path) -> bool:
    """Tell whether a content can be of a coding: some servers name one that it is not, or none.

    (``utf-8`` is often written where a coding is meant.) What is text is of no coding.
    """
    if one in MAGIC:
        return _head(_blocks(path)) == one
    try:
        codecs.getincrementaldecoder("utf-8")().decode(next(_blocks(path), b""))
    except UnicodeDecodeError:
        return one in KNOWN
    return False


def _as_named(path: Path, one: str) -> bool:
    """Tell whether a file is encoded once, and its name says so."""
    if not path.name.lower().endswith(SUFFIXES.get(one, ())):
        return False
    try:
        return one not in MAGIC or _head(_decoded(_blocks(path), _maker(one, ""))) != one
    except (ValueError, zlib.error):
        return True


def _head(blocks: Iterable[bytes]) -> str | None:
    """Return the coding that the first bytes are of."""
    first = next((block for block in blocks if block), b"")
    return next((one for one, magic in MAGIC.items() if first.startswith(magic)), None)


def _decode(path: Path, one: str, aside: Path, where: str) -> None:
    make = _maker(one, where)
    target = aside.with_name(f"{aside.name}.next")
    try:
        with open(target, "wb") as file:
            for block in _decoded(_blocks(path), make):
                file.write(block)
    except (ValueError, zlib.error) as error:
        raise UserError(
            f"{where}: what arrived is damaged: it is sent as {one} and cannot be decoded "
            f"({error}); run again"
        ) from error
    target.replace(aside)


def _maker(one: str, where: str) -> Callable[[], Any]:
    """Return what makes a decoder of one stream."""
    if one == "gzip":
        return lambda: zlib.decompressobj(31)
    if one == "deflate":
        return _Deflate
    if one == "zstd":
        return _Zstd
    raise UserError(
        f"{where}: is sent with Content-Encoding {one}, which nothing here decodes; give a link or "
        "an object that is not encoded, or encoded by gzip"
    )


class _Deflate:
    """A stream of zlib, or, as some servers understand the word, without zlib's head."""

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


def _decoded(blocks: Iterable[bytes], make: Callable[[], Any]) -> Iterator[bytes]:
    """Yield the content of streams that stand one behind another; ValueError where one is cut."""
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
