"""Plain text, Markdown, HTML and PDF: each file is a document; its id is its path in the object."""

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.data.reading.compression import COMPRESSIONS, chunks_of, decode_lines
from slmrag.data.reading.file_kinds import HTML_SUFFIXES, MARKDOWN_SUFFIXES, is_page, is_pdf
from slmrag.data.reading.html import page_text
from slmrag.data.reading.markdown import markdown_text
from slmrag.data.reading.pdf import UnreadableFile, pdf_text
from slmrag.data.schemas import to_tables

log = logging.getLogger(__name__)

HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")


def passages(
    path: Path, columns: Mapping[str, str], left: dict[Path, str] | None = None
) -> Iterator[pl.DataFrame]:
    """Yield one document without markup; or none, with a warning, and the reason in ``left``.

    Its title is that of the page, the PDF or the front matter, or a heading in the first line, or
    the file's name.
    """
    left = {} if left is None else left
    try:
        title, text = _title_and_text(path)
        if not text:
            raise UnreadableFile("no text", "a file without text")
    except UnreadableFile as found:
        why, sentence = found.args
        if path not in left:
            log.warning("%s: is %s: left out", path, sentence)
        left[path] = f"{_suffix(path) or path.name} ({why})"
        return
    yield from to_tables([(_id(path), _stem(path) if title is None else title, text, 1)])


def _title_and_text(path: Path) -> tuple[str | None, str]:
    """Return the title of a document, None without one, and its text."""
    data = b"".join(chunks_of(path))
    if is_pdf(data):
        return pdf_text(data, path)
    text, suffix = decode_lines(data, path, 1).replace("\r\n", "\n").strip(), _suffix(path)
    if suffix in HTML_SUFFIXES or is_page(text[:2048].encode()):
        return page_text(text)
    if suffix in MARKDOWN_SUFFIXES:
        return markdown_text(text, path)
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
