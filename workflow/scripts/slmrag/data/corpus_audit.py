"""The audit of a corpus, counted while it is read."""

from collections import Counter
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import polars as pl

from slmrag.data.unicode_scripts import count_signs, script_shares

GROUP_BITS = 4
"""Hashes are compared in 2**GROUP_BITS groups, one in memory at a time."""
HASHES_AT_ONCE = 1 << 17


class DuplicateCounter:
    """Counts repeated values by their hashes, which are kept in a file."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115

    def add(self, values: pl.Series) -> None:
        """Take a column of text."""
        self._file.write(values.hash(seed=0).to_numpy().data)

    def repetitions(self) -> Iterator[np.ndarray]:
        """Yield hashes (uint64), one for each value that repeats an earlier one."""
        for group in range(1 << GROUP_BITS):
            hashes = np.sort(np.concatenate([*self._group(group), np.empty(0, np.uint64)]))
            yield hashes[1:][hashes[1:] == hashes[:-1]]

    def _group(self, group: int) -> Iterator[np.ndarray]:
        self._file.seek(0)
        while (hashes := np.fromfile(self._file, np.uint64, HASHES_AT_ONCE)).size:
            yield hashes[hashes >> np.uint64(64 - GROUP_BITS) == group]

    def repeated_hashes(self) -> np.ndarray:
        """Return the hashes that occur more than once (uint64)."""
        return np.unique(np.concatenate(list(self.repetitions())))

    def count(self) -> int:
        """Return how many values repeat an earlier one."""
        return sum(hashes.size for hashes in self.repetitions())


LONGEST_LENGTH = 10_000
"""Lengths above are counted as this one."""
COUNTED_PASSAGES, TABLE_STRIDE = 100_000, 16
"""The words of this many passages are counted, and then those of every 16th table."""
SAMPLED_PASSAGES = 25
"""The letters of this many passages per table are counted."""


class Lengths:
    """Mean, quantiles and extremes of whole numbers, kept as a histogram."""

    def __init__(self) -> None:
        self.counts = np.zeros(LONGEST_LENGTH + 1, np.int64)

    def add(self, values: np.ndarray) -> None:
        """Take some lengths."""
        self.counts += np.bincount(np.minimum(values, LONGEST_LENGTH), minlength=LONGEST_LENGTH + 1)

    def summary(self) -> dict[str, float]:
        """Return min, mean, median, p95 and max; empty without values."""
        total = int(self.counts.sum())
        if not total:
            return {}
        seen, ranks = np.flatnonzero(self.counts), np.cumsum(self.counts)
        return {
            "min": int(seen[0]),
            "mean": round(float((self.counts * np.arange(LONGEST_LENGTH + 1)).sum() / total), 2),
            "median": int(np.searchsorted(ranks, (total + 1) // 2)),
            "p95": int(np.searchsorted(ranks, int(np.ceil(0.95 * total)))),
            "max": int(seen[-1]),
        }


class CorpusAudit:
    """Counts over the passages of a corpus."""

    def __init__(self) -> None:
        self.passages = self.without_title = self.without_text = self.tables = 0
        self.ids, self.texts, self.words = DuplicateCounter(), DuplicateCounter(), Lengths()
        self.signs: Counter[str] = Counter()

    def add(self, table: pl.DataFrame) -> None:
        """Take a table of passages."""
        self.passages += table.height
        self.without_title += int((table["title"] == "").sum())
        self.without_text += int((table["text"] == "").sum())
        self.ids.add(table["id"])
        self.texts.add(table["text"])
        count_signs(
            table["text"].gather_every(max(1, table.height // SAMPLED_PASSAGES)), self.signs
        )
        self.tables += 1
        if self.passages <= COUNTED_PASSAGES or self.tables % TABLE_STRIDE == 0:
            self.words.add(word_counts(table["text"]).to_numpy())

    def summary(self) -> dict[str, Any]:
        """Return the audit."""
        return {
            "passages": self.passages,
            "without_title": self.without_title,
            "without_text": self.without_text,
            "duplicate_texts": self.texts.count(),
            "words": self.words.summary(),
            "scripts": script_shares(self.signs),
        }


def word_counts(texts: pl.Series) -> pl.Series:
    """Return the number of words of each text: pieces between single spaces, at least 1."""
    return texts.str.count_matches(" ", literal=True) + (texts != "").cast(pl.UInt32)
