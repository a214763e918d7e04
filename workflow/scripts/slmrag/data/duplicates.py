"""Repeated values among many millions, in eight bytes each, kept on the disk."""

from collections.abc import Iterator
from tempfile import TemporaryFile

import numpy as np
import polars as pl

BITS = 4
"""Hashes are compared in 2**BITS groups, one in memory at a time."""
READ = 1 << 17


class Repeats:
    """Hashes of values as they pass by."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115

    def add(self, values: pl.Series) -> None:
        """Take a column of text."""
        self._file.write(values.hash(seed=0).to_numpy())

    def repetitions(self) -> Iterator[np.ndarray]:
        """Yield hashes (uint64), one for each value that repeats an earlier one."""
        for group in range(1 << BITS):
            hashes = np.sort(np.concatenate([*self._group(group), np.empty(0, np.uint64)]))
            yield hashes[1:][hashes[1:] == hashes[:-1]]

    def _group(self, group: int) -> Iterator[np.ndarray]:
        self._file.seek(0)
        while (hashes := np.fromfile(self._file, np.uint64, READ)).size:
            yield hashes[hashes >> np.uint64(64 - BITS) == group]

    def repeated(self) -> np.ndarray:
        """Return the hashes that came more than once (uint64)."""
        return np.unique(np.concatenate(list(self.repetitions())))

    def count(self) -> int:
        """Return how many values repeat an earlier one."""
        return sum(hashes.size for hashes in self.repetitions())
