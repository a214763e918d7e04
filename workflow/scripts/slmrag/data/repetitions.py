"""Repeated passages: equal ones are dropped, different ones with one id are an error."""

from pathlib import Path

import numpy as np
import polars as pl

from slmrag.data.schemas import PASSAGES
from slmrag.errors import UserError


class Deduplicator:
    """Finds repeated passages among those whose ids have a repeated hash."""

    def __init__(self, hashes: np.ndarray) -> None:
        self.hashes = pl.Series(hashes.astype(np.uint64))
        self.seen: dict[str, tuple[int, str]] = {}
        self.dropped = 0

    def has_repetitions(self, table: pl.DataFrame, path: Path) -> bool:
        """Tell whether passages repeat earlier ones; UserError if only the id is the same."""
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
        """Return a table without passages that were seen before, and count them."""
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
