"""Reads a corpus block by block, in constant memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from slmrag.errors import UserError

Array = np.ndarray

BLOCK_ROWS = 16_384


def size(passages: Path) -> int:
    """Return the number of passages in a table."""
    return pl.scan_parquet(passages).select(pl.len()).collect().item()


def blocks(
    passages: Path, *columns: str, rows: int = BLOCK_ROWS, first: int = 0, end: int | None = None
) -> Iterator[pl.DataFrame]:
    """Yield the columns of the corpus (from ``first`` to ``end``), ``rows`` passages at a time."""
    table, end = pl.scan_parquet(passages).select(columns), size(passages) if end is None else end
    for start in range(first, end, rows):
        yield table.slice(start, min(rows, end - start)).collect()


def texts(passages: Path, rows: int = BLOCK_ROWS) -> Iterator[list[str]]:
    """Yield blocks of searched texts: title, a space, and text."""
    for block in blocks(passages, "title", "text", rows=rows):
        yield titled_texts(block)


def sample(passages: Path, places: int, rows: int) -> list[str]:
    """Return the searched texts of ``rows`` passages at each of several places in the corpus."""
    table, total = pl.scan_parquet(passages).select("title", "text"), size(passages)
    starts = sorted({total * place // places for place in range(places)})
    some = (table.slice(start, min(rows, total // places + 1)).collect() for start in starts)
    return [text for block in some for text in titled_texts(block)]


def titled_texts(block: pl.DataFrame) -> list[str]:
    """Return the searched text of each passage: its title, if any, a space, and its text."""
    pairs = zip(block["title"], block["text"], strict=True)
    return [f"{title} {text}" if title else text for title, text in pairs]


def rows_by_block(
    wanted: Array, passages: Path, *columns: str, size: int = 4_096
) -> Iterator[tuple[Array, pl.DataFrame]]:
    """Yield (places in ``wanted``, the corpus's rows there), in the order of the corpus.

    ``wanted`` holds rows of the corpus in any order, often more than once.
    """
    order = np.argsort(wanted, kind="stable")
    rows, first = wanted[order], 0
    for block in blocks(passages, *columns):
        low, high = np.searchsorted(rows, [first, first + len(block)])
        for start in range(low, high, size):
            some = slice(start, min(start + size, high))
            yield order[some], block[rows[some] - first]
        first += len(block)


def rows_of(ids: pl.Series, passages: Path) -> Array:
    """Return the row in the corpus of each passage id; UserError for one that is not there."""
    known = pl.scan_parquet(passages).select("id").with_row_index("row")
    wanted = ids.unique().to_frame("id")
    found = known.join(wanted.lazy(), on="id", how="semi").collect()
    rows = ids.to_frame("id").join(found, on="id", how="left", maintain_order="left")["row"]
    if rows.null_count():
        missing = ids.filter(rows.is_null())[0]
        raise UserError(f"{passages}: has no passage '{missing}', which is among the hits")
    return rows.cast(pl.Int64).to_numpy()
