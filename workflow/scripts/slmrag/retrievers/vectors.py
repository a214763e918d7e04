"""Exact search over float16 vectors on disk, a block at a time; ties by lower row."""

import mmap
import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from slmrag.errors import UserError
from slmrag.progress import bar
from slmrag.retrievers.products import FIRST, ROWS, Kept, products

Array = np.ndarray

QUESTIONS = 2_048
KEPT = 128 * 2**20
"""Bytes of mapped vectors that may stay in memory."""


def create(path: Path, rows: int, dimensions: int) -> Array:
    """Return a new float16 array on disk, [rows, dimensions]."""
    shape = (rows, dimensions)
    if not rows:  # nothing can be mapped
        with open(path, "wb") as file:
            np.save(file, np.zeros(shape, dtype=np.float16))
        return np.zeros(shape, dtype=np.float16)
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def halved(vectors: Array, encoder: str) -> Array:
    """Return vectors as float16; UserError where one of them has a value that it cannot hold."""
    with np.errstate(over="ignore"):
        halves = vectors.astype(np.float16)
    if not np.isfinite(halves).all():
        raise UserError(
            f"encoder {encoder}: gives vectors with values that are no numbers or above 65,504, "
            "which float16 cannot hold; set normalize: true, or look at the checkpoint"
        )
    return halves


def parts(index: Path) -> list[Array]:
    """Map the vectors of an index, which may lie in several files (c: torch wants no "r")."""
    return [np.load(path, mmap_mode="c") for path in sorted(index.glob("vectors-*.npy"))]


def join(shards: Sequence[Path], index: Path, total: int) -> None:
    """Give an index its vectors from shards in order, by link where the disk allows it."""
    for number, shard in enumerate(shards):
        path = index / f"vectors-{number:05d}.npy"
        try:
            os.link(shard, path)
        except OSError:
            shutil.copyfile(shard, path)
    found = sum(map(len, parts(index)))
    if found != total:
        raise UserError(
            f"{shards[0]} and its fellows hold {found} vectors of {total} passages; "
            "delete them and let encode_passages make them again"
        )


def take(parts: Sequence[Array], rows: Array) -> Array:
    """Return the vectors of rising row numbers."""
    ends = np.cumsum([0, *map(len, parts)])
    cuts = np.searchsorted(rows, ends)
    spans = zip(parts, pairwise(cuts), ends[:-1], strict=True)
    return np.concatenate([part[rows[low:high] - first] for part, (low, high), first in spans])


def search(
    parts: Sequence[Array], questions: Array, depth: int, device: str = "cpu", rows: int = 0
) -> list[tuple[Array, Array]]:
    """Return each question's best rows by inner product and their scores, best first.

    ``parts`` are float16 arrays whose rows are numbered through; up to ``rows`` are read at a time.
    """
    total = sum(map(len, parts))
    found, depth = [], min(depth, total)
    with bar(total=len(questions), desc="search", unit="q") as progress:
        for start in range(0, len(questions), QUESTIONS):
            some = np.ascontiguousarray(questions[start : start + QUESTIONS], dtype=np.float32)
            screen, best = products(some, device, total), Best(len(some), depth)
            for first, block in blocks(parts, rows or ROWS[device], FIRST[device]):
                question, row, score = screen(block, best.threshold, depth)
                best.offer(question, row + first, score)
            found += best.ranked()
            progress.update(len(some))
    return found


def blocks(parts: Sequence[Array], rows: int, least: int = 0) -> Iterator[tuple[int, Array]]:
    """Yield (number of the first row, vectors), ``rows`` at a time.

    Where ``least`` is given, the first blocks are of so many rows and then twice as many.
    """
    first, read, size = 0, 0, min(rows, least or rows)
    for part in parts:
        start = 0
        while start < len(part):
            block = part[start : start + size]
            yield first + start, block
            start, read, size = start + size, read + block.nbytes, min(rows, 2 * size)
            if read > KEPT:
                _forget(parts)
                read = 0
        first += len(part)


def _forget(parts: Sequence[Array]) -> None:
    for part in parts:
        if isinstance(part, np.memmap):
            part._mmap.madvise(mmap.MADV_DONTNEED)


class Best:
    """The best ``depth`` of all scores offered so far, for several questions at once.

    Scores that reach a question's threshold wait in a list, which is sorted out now and then.
    """

    def __init__(self, questions: int, depth: int):
        self.depth, self.threshold = depth, np.full(questions, -np.inf, dtype=np.float32)
        self.waiting: list[Kept] = []
        self.room = self.most = 2 * questions * depth

    def offer(self, question: Array, row: Array, score: Array) -> None:
        """Take in scores of rows above all before; those that only tie with them come too late."""
        kept = score > self.threshold[question]
        self.waiting.append((question[kept], row[kept], score[kept]))
        self.room -= int(kept.sum())
        if self.room < 0 or len(self.waiting) == 1:
            self._sort_out()

    def ranked(self) -> list[tuple[Array, Array]]:
        """Return the rows and scores of each question, best first."""
        self._sort_out()
        question, row, score = self.waiting[0]
        ends = np.searchsorted(question, np.arange(len(self.threshold) + 1))
        spans = [slice(low, high) for low, high in pairwise(ends)]
        return [(row[span], score[span].astype(np.float64)) for span in spans]

    def _sort_out(self) -> None:
        question, row, score = (np.concatenate(parts) for parts in zip(*self.waiting, strict=True))
        order = _best_first(question, row, score)
        question, row, score = question[order], row[order], score[order]
        counts = np.bincount(question, minlength=len(self.threshold))
        place = np.arange(len(question)) - np.repeat(np.cumsum(counts) - counts, counts)
        kept = place < self.depth
        full = place == self.depth - 1
        self.threshold[question[full]] = score[full]
        self.waiting = [(question[kept], row[kept], score[kept])]
        self.room = self.most - int(kept.sum())


def _best_first(question: Array, row: Array, score: Array) -> Array:
    """Return the order by question, falling score, then row: one sort of integers."""
    bits = (score + np.float32(0)).view(np.int32)  # -0.0 becomes 0.0
    keys = (question << 32) - (bits ^ (bits >> 31 & 0x7FFFFFFF))  # integers that rise as floats do
    order = np.argsort(keys)
    same = np.diff(keys[order]) == 0
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    some = order[tied]
    order[tied] = some[np.lexsort((row[some], keys[some]))]
    return order
