"""A corpus read block by block, so that memory does not grow with it."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

BLOCK = 16_384


def size(passages: Path) -> int:
    """Return the number of passages in a table."""
    return pl.scan_parquet(passages).select(pl.len()).collect().item()


def blocks(passages: Path, *columns: str, rows: int = BLOCK) -> Iterator[pl.DataFrame]:
    """Yield the columns of the corpus, ``rows`` passages at a time, in order."""
    table = pl.scan_parquet(passages).select(columns)
    for start in range(0, size(passages), rows):
        yield table.slice(start, rows).collect()


def texts(passages: Path, rows: int = BLOCK) -> Iterator[list[str]]:
    """Yield blocks of what is searched: the title, a line break, and the text."""
    for block in blocks(passages, "title", "text", rows=rows):
        yield [
            f"{title}\n{text}" if title else text
            for title, text in zip(*block.get_columns(), strict=True)
        ]
