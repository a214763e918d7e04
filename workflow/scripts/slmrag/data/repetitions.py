"""Passages that come twice: the same word for word, or different ones under one id."""

from pathlib import Path

import numpy as np
import polars as pl

from slmrag.data.schemas import PASSAGES
from slmrag.errors import UserError


class Deduplicator:
    """Watches tables for passages whose ids' hashes came more than once."""

    def __init__(self, hashes: np.ndarray) -> None:
        self.hashes = pl.Series(hashes.astype(np.uint64))
        self.seen: dict[str, tuple[int, str]] = {}
        self.dropped = 0

    def has_repetitions(self, table: pl.DataFrame, path: Path) -> bool:
        """Tell whether passages repeat earlier ones; UserError where only the id is the same."""
        rows, found = table.filter(self._suspects(table)).select(*PASSAGES, "line"), False
        for id, title, text, line in rows.iter_rows():
            place = f"{path}, line {line}"
            content = hash((title, text))
            known, first = self.seen.setdefault(id, (content, place))
            if known != content:
                raise UserError(
                    f"{place}: the id '{id}' is already used in {first} for another text; "
                    "rename one"
                )
            found = found or first is not place
        return found

    def drop_repetitions(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table without the passages that came before, and count those."""
        suspects = self._suspects(table)
        if not suspects.any():
            return table
        kept = [
            not (one and self._is_seen(id)) for one, id in zip(suspects, table["id"], strict=True)
        ]
        self.dropped += kept.count(False)
        return table.filter(pl.Series(kept))

    def _is_seen(self, id: str) -> bool:
        is_seen = id in self.seen
        self.seen.setdefault(id, (0, ""))
        return is_seen

    def _suspects(self, table: pl.DataFrame) -> pl.Series:
        return table["id"].hash(seed=0).is_in(self.hashes.implode())
