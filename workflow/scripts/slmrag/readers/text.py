"""Plain text and Markdown: each file is a document, called by its path in the object."""

import logging
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import polars as pl

from slmrag.readers.opening import COMPRESSIONS, chunks_of, lines_of
from slmrag.readers.shapes import tabled

HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield one document; a heading in its first line is its title, else its file's name is.

    Hidden files, and what else a folder of texts holds (pictures, PDFs), are left out.
    """
    if path.name.startswith(".") or not _is_text(path):
        return iter(())
    text = "\n".join(line for _, line in lines_of(path)).strip()
    first, _, rest = text.partition("\n")
    heading = HEADING.match(first)
    title, body = (heading[1], rest.strip()) if heading else (_stem(path), text)
    return tabled([(_id(path), title, body, 1)] if body else [])


PICTURES = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
"""First bytes of PDF, PNG, JPEG and GIF."""


def _is_text(path: Path) -> bool:
    """Tell whether a file is text by its first bytes; UTF-16 counts, to be refused by name."""
    head = next(chunks_of(path, 512), b"")
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if utf16 or (b"\0" not in head and not head.startswith(PICTURES)):
        return True
    _warn(path.suffix or path.name)
    return False


@cache
def _warn(kind: str) -> None:
    logging.getLogger(__name__).warning("files that end in %s are no text: left out", kind)


def _stem(path: Path) -> str:
    """Return the file's name without what it is compressed with and its suffix."""
    return Path(path.stem).stem if path.suffix in COMPRESSIONS else path.stem


def _id(path: Path) -> str:
    """Return the path below resources/raw/{object}."""
    inside = path.parts[:2] == ("resources", "raw")
    return "/".join(path.parts[3:]) if inside else path.name
