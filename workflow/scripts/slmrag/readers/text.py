"""Plain text and Markdown: each file is a document, called by its path in the object."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from slmrag.readers.opening import lines_of
from slmrag.readers.shapes import tabled

HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
TITLE_LINES = 5
"""Lines among which a heading is taken for the title."""


def passages(path: Path, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield one document: the first heading is its title, else the name of its file."""
    lines = [line for _, line in lines_of(path)]
    headings = (HEADING.match(line) for line in lines[:TITLE_LINES])
    title = next((match[1] for match in headings if match), path.name.split(".")[0])
    text = "\n".join(lines).strip()
    return tabled([(_id(path), title, text, 1)] if text else [])


def _id(path: Path) -> str:
    """Return the path below resources/raw/{object}."""
    inside = path.parts[:2] == ("resources", "raw")
    return "/".join(path.parts[3:]) if inside else path.name
