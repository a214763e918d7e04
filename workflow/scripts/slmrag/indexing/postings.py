"""An inverted index on disk: for each term, the passages that contain it and how often.

Terms are numbered by first appearance, because rank_bm25 sums their idf in that order.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from slmrag.indexing.analyzer import Analyzer
from slmrag.job.progress import bar

Array = np.ndarray


@dataclass(frozen=True)
class Postings:
    """Arrays mapped from disk: term t's passages are ``passages[offsets[t]:offsets[t + 1]]``."""

    folder: Path
    offsets: Array
    passages: Array
    counts: Array
    lengths: Array

    @classmethod
    def open(cls, folder: Path) -> "Postings":
        """Map a folder that ``write_postings`` made."""
        names = ("offsets", "passages", "counts", "lengths")
        return cls(folder, *(np.load(folder / f"{name}.npy", mmap_mode="r") for name in names))

    @property
    def frequencies(self) -> Array:
        """Return how many passages contain each term."""
        return np.diff(self.offsets)

    def numbers(self, terms: Iterable[str]) -> dict[str, int]:
        """Return the numbers of the terms that occur in the corpus."""
        wanted = pl.DataFrame({"term": sorted(set(terms))}, schema={"term": pl.String})
        table = pl.scan_parquet(self.folder / "terms.parquet").with_row_index("number")
        found = table.join(wanted.lazy(), on="term", how="semi").collect()
        return dict(zip(found["term"], found["number"], strict=True))


def write_postings(blocks: Iterable[list[str]], total: int, analyze: Analyzer, folder: Path) -> int:
    """Index blocks of texts into ``folder``; return the number of postings.

    Memory holds the vocabulary and one block; postings wait in one file a block.
    """
    vocabulary: defaultdict[str, int] = defaultdict()
    vocabulary.default_factory = vocabulary.__len__
    lengths, done = np.zeros(total, dtype=np.int32), 0
    spilled: list[Path] = []
    with bar(total=total, desc="index passages", unit="passage", unit_scale=True) as progress:
        for texts in blocks:
            terms, sizes = _number_terms(texts, analyze, vocabulary)
            lengths[done : done + len(texts)] = sizes
            spilled.append(_spill(terms, sizes, done, folder / f"block{len(spilled)}.npy"))
            done += len(texts)
            progress.update(len(texts))
    pl.DataFrame({"term": list(vocabulary)}, schema={"term": pl.String}).write_parquet(
        folder / "terms.parquet"
    )
    np.save(folder / "lengths.npy", lengths)
    return _merge(spilled, len(vocabulary), folder)


def _number_terms(
    texts: list[str], analyze: Analyzer, vocabulary: defaultdict[str, int]
) -> tuple[Array, Array]:
    terms: list[int] = []
    sizes = np.zeros(len(texts), dtype=np.int32)
    for row, text in enumerate(texts):
        found = analyze(text)
        sizes[row] = len(found)
        terms.extend(map(vocabulary.__getitem__, found))
    return np.array(terms, dtype=np.int64), sizes


def _spill(terms: Array, sizes: Array, first: int, path: Path) -> Path:
    """Save the block's (term, passage, count), ordered by term, then by passage."""
    rows = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    keys = np.sort(terms << 32 | rows)
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.diff(starts, append=len(keys))
    held = keys[starts]
    np.save(path, np.stack([held >> 32, (held & 0xFFFFFFFF) + first, counts]).astype(np.int32))
    return path


def _merge(spilled: list[Path], terms: int, folder: Path) -> int:
    """Merge the blocks' postings by term, and remove the blocks."""
    frequencies = np.zeros(terms, dtype=np.int64)
    most = 0
    for path in spilled:
        block = np.load(path, mmap_mode="r")
        frequencies += np.bincount(block[0], minlength=terms)
        most = max(most, int(block[2].max(initial=0)))
    offsets = np.concatenate([[0], np.cumsum(frequencies)]).astype(np.int64)
    np.save(folder / "offsets.npy", offsets)
    passages = _create_array(folder / "passages.npy", np.int32, offsets[-1])
    counts = _create_array(
        folder / "counts.npy", np.uint16 if most < 2**16 else np.int32, offsets[-1]
    )
    free = offsets[:-1].copy()
    for path in spilled:
        held, rows, times = np.load(path)
        first = np.flatnonzero(np.diff(held, prepend=-1))
        sizes = np.diff(first, append=len(held))
        places = free[held] + np.arange(len(held)) - np.repeat(first, sizes)
        passages[places], counts[places] = rows, times
        free[held[first]] += sizes
        path.unlink()
    return int(offsets[-1])


def _create_array(path: Path, dtype: type, size: int) -> Array:
    if size == 0:
        np.save(path, np.zeros(0, dtype))
        return np.zeros(0, dtype)
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(int(size),))
