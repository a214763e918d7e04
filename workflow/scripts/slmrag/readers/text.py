"""Plain text, Markdown and HTML: each file is a document, called by its path in the object."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.readers.kinds import is_page
from slmrag.readers.opening import COMPRESSIONS, lines_of
from slmrag.readers.pages import page_text, without_tags
from slmrag.readers.shapes import tabled

HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
PAGES, MARKDOWN = {".html", ".htm", ".xhtml"}, {".md", ".markdown"}


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield one document without its tags.

    Its title is that of a page, or a heading in the first line, or else the file's name.
    """
    text = "\n".join(line for _, line in lines_of(path)).strip()
    title, body = _parts(text, _suffix(path))
    title = _stem(path) if title is None else title
    return tabled([(_id(path), title, body, 1)] if body else [])


def _parts(text: str, suffix: str) -> tuple[str | None, str]:
    """Return the title of a document, None where it has none, and its text."""
    if suffix in PAGES or is_page(text[:2048].encode()):
        return page_text(text)
    text = without_tags(text).strip() if suffix in MARKDOWN else text
    first, _, rest = text.partition("\n")
    heading = HEADING.match(first)
    return (heading[1], rest.strip()) if heading else (None, text)


def _suffix(path: Path) -> str:
    """Return the suffix in lower case, without what the file is compressed with."""
    return (Path(path.stem) if path.suffix in COMPRESSIONS else path).suffix.lower()


def _stem(path: Path) -> str:
    """Return the file's name without what it is compressed with and its suffix."""
    return Path(path.stem).stem if path.suffix in COMPRESSIONS else path.stem


def _id(path: Path) -> str:
    """Return the path below resources/raw/{object}."""
    inside = path.parts[:2] == ("resources", "raw")
    return "/".join(path.parts[3:]) if inside else path.name
