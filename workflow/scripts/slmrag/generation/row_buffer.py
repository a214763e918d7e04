"""Rows on their way into a table: kept in a temporary folder, so that memory stays flat."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.files import atomic

if TYPE_CHECKING:
    import polars as pl

ROWS = 8192


class Spool:
    """A growing table of a known schema, in parts of ``ROWS`` rows on disk."""

    def __init__(self, folder: Path, schema: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True)
        self._folder, self._schema = folder, dict(schema)
        self._rows: list[Sequence[Any]] = []
        self._parts: list[Path] = []

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Append rows, each in the order of the schema."""
        self._rows.extend(rows)
        if len(self._rows) >= ROWS:
            self._flush()

    def frames(self) -> "Iterator[pl.DataFrame]":
        """Yield the table part by part."""
        import polars as pl

        self._flush()
        return (pl.read_ipc(part) for part in self._parts)

    def write(self, path: Path, columns: Sequence[str], metadata: Mapping[str, str]) -> None:
        """Write columns of the table as Parquet: whole or not at all, equal rows equal bytes."""
        import polars as pl

        self._flush()
        parts = [pl.scan_ipc(part) for part in self._parts]
        table = pl.concat(parts) if parts else pl.LazyFrame(schema=self._schema)
        with atomic(path) as temporary, open(temporary, "wb") as file:
            table.select(columns).sink_parquet(
                file,
                compression="zstd",
                row_group_size=ROWS,
                maintain_order=True,
                metadata=dict(metadata) or None,
            )

    def _flush(self) -> None:
        import polars as pl

        if self._rows:
            part = self._folder / f"{len(self._parts):06}.arrow"
            columns = dict(zip(self._schema, zip(*self._rows, strict=True), strict=True))
            pl.DataFrame(columns, schema=self._schema).write_ipc(part, compression="zstd")
            self._parts.append(part)
            self._rows = []
