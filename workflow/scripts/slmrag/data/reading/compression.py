"""Files as streams of bytes and of lines, decompressed on the fly."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

import numpy as np

from slmrag.errors import UserError


def _zstd(file: IO[bytes]) -> Any:
    from zstandard import ZstdDecompressor

    return BufferedReader(ZstdDecompressor().stream_reader(file, read_across_frames=True))


COMPRESSIONS: dict[str, tuple[bytes, Callable[[Any], Any]]] = {
    ".gz": (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    ".zst": (b"\x28\xb5\x2f\xfd", _zstd),
    ".bz2": (b"BZh", bz2.BZ2File),
    ".xz": (b"\xfd7zXZ\x00", lzma.LZMAFile),
}
"""By suffix: (first bytes, opener)."""

ARCHIVES = {"zip": (0, b"PK\x03\x04"), "tar": (257, b"ustar")}
"""Archives by name: (offset, bytes there)."""

OFFICE_SUFFIXES = {".xlsx", ".docx", ".pptx", ".ods", ".odt", ".odp", ".epub"}
"""Suffixes of office files, which are zip archives."""

READ_BYTES = 2 << 20


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, decompressed by its content; UserError if its suffix does not fit."""
    with open(path, "rb") as file:
        head = file.read(512)
        file.seek(0)
        _refuse_archives(path, head)
        found = next((s for s, (magic, _) in COMPRESSIONS.items() if head.startswith(magic)), None)
        if path.suffix in COMPRESSIONS and found != path.suffix:
            raise UserError(
                f"{path}: is {path.suffix[1:]} by its name but not by its content; "
                "rename or compress the object"
            )
        yield COMPRESSIONS[found][1](file) if found else file


def archive_of(path: Path, head: bytes) -> str | None:
    """Return the kind of an archive by its first bytes or its name; None for other files."""
    found = [name for name, (place, mark) in ARCHIVES.items() if head.startswith(mark, place)]
    found += [suffix for suffix in (".tar", ".tgz") if suffix in path.suffixes[-2:]]
    return found[0].lstrip(".") if found else None


def _refuse_archives(path: Path, head: bytes) -> None:
    found = archive_of(path, head)
    if found and path.suffix.lower() in OFFICE_SUFFIXES:
        raise UserError(f"{path}: is an office file; export it as CSV, or as text, and give that")
    if found:
        raise UserError(
            f"{path}: is an archive ({found}); unpack it, and give the file itself, "
            "as it is or compressed (gz, zst, bz2, xz)"
        )


def chunks_of(path: Path, size: int = READ_BYTES) -> Iterator[bytes]:
    """Yield the content of a file in chunks; UserError if it cannot be decompressed."""
    with open_bytes(path) as stream:
        while chunk := _read_decompressed(stream.read, size, path):
            yield chunk


def _read_decompressed(read: Callable[[int], bytes], size: int, path: Path) -> bytes:
    try:
        return read(size)
    except EOFError as error:
        raise UserError(f"{path}: ends too early; download it again") from error
    except (zlib.error, lzma.LZMAError, OSError) as error:
        raise UserError(f"{path}: cannot be unpacked: {error}; check the object") from error
    except Exception as error:
        if type(error).__name__ != "ZstdError":
            raise
        raise UserError(f"{path}: cannot be unpacked: {error}; check the object") from error


def blocks_of(path: Path, size: int = READ_BYTES) -> Iterator[tuple[int, bytes]]:
    """Yield (number of the first line, whole lines) in blocks of about ``size`` bytes."""
    line = 1
    with open_bytes(path) as stream:
        while block := _read_decompressed(stream.read, size, path):
            block += _read_decompressed(stream.readline, -1, path)
            yield line, block
            line += count_byte(block, b"\n")


def count_byte(block: bytes, mark: bytes) -> int:
    """Return how often a byte occurs in a block, five times faster than ``bytes.count``."""
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == mark[0]))


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line without its end) of a UTF-8 file; UserError names a bad line."""
    for first, block in blocks_of(path):
        text = decode_lines(block, path, first)
        for number, line in enumerate(text.removesuffix("\n").split("\n"), first):
            yield number, line.removesuffix("\r")


def decode_lines(block: bytes, path: Path, first: int) -> str:
    """Return lines as text, without the byte order mark of the file's start."""
    try:
        return block.decode("utf-8-sig" if first == 1 else "utf-8")
    except UnicodeDecodeError as error:
        number = first + block.count(b"\n", 0, error.start)
        raise UserError(
            f"{path}, line {number}: not UTF-8 ({error.reason}); convert the file to UTF-8"
        ) from error
