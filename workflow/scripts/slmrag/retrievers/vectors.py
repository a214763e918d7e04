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
from slmrag.retrievers.products import ROWS, Kept, products

Array = np.ndarray

QUESTIONS = 2_048


def create(path: Path, rows: int, dimensions: int) -> Array:
    """Return a new float16 array on disk, [rows, dimensions]."""
    shape = (rows, dimensions)
    if not rows:  # nothing can be mapped
        with open(path, "wb") as file:
            np.save(file, np.zeros(shape, dtype=np.float16))
        return np.zeros(shape, dtype=np.float16)
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def parts(index: Path) -> list[Array]:
    """Map the vectors of an index, which may lie in several files."""
    return [np.load(path, mmap_mode="r") for path in sorted(index.glob("vectors-*.npy"))]


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

    ``parts`` are float16 arrays whose rows are numbered through; ``rows`` at a time are read.
    """
    found, depth = [], min(depth, sum(map(len, parts)))
    with bar(total=len(questions), desc="search", unit="q") as progress:
        for start in range(0, len(questions), QUESTIONS):
            some = questions[start : start + QUESTIONS]
            multiply, best = products(some, device), Best(len(some), depth)
            for first, block in blocks(parts, rows or ROWS[device]):
                question, row, score = multiply(block, best.threshold, depth)
                best.offer(question, row + first, score)
            found += best.ranked()
            progress.update(len(some))
    return found


def blocks(parts: Sequence[Array], rows: int) -> Iterator[tuple[int, Array]]:
    """Yield (number of the first row, vectors), ``rows`` at a time."""
    first = 0
    for part in parts:
        for start in range(0, len(part), rows):
            yield first + start, part[start : start + rows]
            if isinstance(part, np.memmap):
                part._mmap.madvise(mmap.MADV_DONTNEED)  # or all of it would stay in our memory
        first += len(part)


class Best:
    """The best ``depth`` of all scores offered so far, for several questions at once.

    Scores that reach a question's threshold wait in a list, which is sorted out now and then.
    """

    def __init__(self, questions: int, depth: int):
        self.depth, self.threshold = depth, np.full(questions, -np.inf, dtype=np.float32)
        self.waiting: list[Kept] = []
        self.room = self.most = 4 * questions * depth

    def offer(self, question: Array, row: Array, score: Array) -> None:
        """Take in scores that reach their question's threshold."""
        self.waiting.append((question, row, score))
        self.room -= len(question)
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
        place = np.arange(len(question)) - np.searchsorted(question, question)
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
