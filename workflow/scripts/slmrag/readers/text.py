"""Plain text and Markdown: each file is a document, called by its path in the object."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.readers.opening import lines_of
from slmrag.readers.shapes import tabled

HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield one document; a heading in its first line is its title, else its file's name is."""
    text = "\n".join(line for _, line in lines_of(path)).strip()
    first, _, rest = text.partition("\n")
    heading = HEADING.match(first)
    title, body = (heading[1], rest.strip()) if heading else (path.name.split(".")[0], text)
    return tabled([(_id(path), title, body, 1)] if body else [])


def _id(path: Path) -> str:
    """Return the path below resources/raw/{object}."""
    inside = path.parts[:2] == ("resources", "raw")
    return "/".join(path.parts[3:]) if inside else path.name
