"""Made-up corpora whose words are distributed as in English, of any size, the same each time."""

from pathlib import Path

import numpy as np
import polars as pl

WORDS, LENGTH, BLOCK = 300_000, 100, 20_000


def passages(folder: Path, count: int) -> Path:
    """Return a table of ``count`` passages of 100 words, made unless it is there."""
    path = folder / f"passages-{count}.parquet"
    if not path.exists():
        rng, texts = np.random.default_rng(0), []
        for start in range(0, count, BLOCK):
            texts += [" ".join(words) for words in draw(rng, min(BLOCK, count - start), LENGTH)]
        ids = [str(row) for row in range(count)]
        table = pl.DataFrame({"id": ids, "title": [""] * count, "text": texts})
        table.write_parquet(path, compression="zstd")
    return path


def questions(count: int) -> list[str]:
    """Return questions of 9 words from the same distribution."""
    return [" ".join(words) for words in draw(np.random.default_rng(1), count, 9)]


def draw(rng: np.random.Generator, rows: int, words: int) -> np.ndarray:
    """Return words [rows, words] by Zipf and Mandelbrot: rank r with weight (r + 2.7)^-1.07."""
    weights = np.cumsum((np.arange(WORDS) + 2.7) ** -1.07)
    ranks = np.searchsorted(weights, rng.random((rows, words)) * weights[-1])
    return VOCABULARY[ranks]


VOCABULARY = np.array([f"w{np.base_repr(rank, 36).lower()}" for rank in range(WORDS)], dtype=object)
