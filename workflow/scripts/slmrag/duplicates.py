"""Repeated values among many millions, in eight bytes each."""

import numpy as np
import polars as pl


class Repeats:
    """Hashes of values as they pass by."""

    def __init__(self) -> None:
        self._hashes: list[np.ndarray] = []

    def add(self, values: pl.Series) -> None:
        """Take a column of text."""
        self._hashes.append(values.hash(seed=0).to_numpy())

    def repeated(self) -> np.ndarray:
        """Return the sorted hashes that came more than once (uint64)."""
        if not self._hashes:
            return np.empty(0, np.uint64)
        hashes = np.concatenate(self._hashes)
        self._hashes = [hashes]
        hashes.sort()
        return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])

    def count(self) -> int:
        """Return how many values are repetitions of an earlier one."""
        if not self._hashes:
            return 0
        hashes = np.concatenate(self._hashes)
        hashes.sort()
        return int(np.count_nonzero(hashes[1:] == hashes[:-1]))
