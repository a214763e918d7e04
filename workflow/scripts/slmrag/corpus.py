"""Files of passages into one checked stream of tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrag.audit import CorpusAudit
from slmrag.chunking import cut
from slmrag.errors import UserError
from slmrag.readers.shapes import PASSAGES

Read = Callable[[Path, Mapping[str, str]], Iterator[pl.DataFrame]]


def checked(
    files: Sequence[Path], read: Read, entry: Mapping[str, Any], audit: CorpusAudit
) -> Iterator[pl.DataFrame]:
    """Yield tables of id, title and text; UserError names file and line of what is wrong."""
    left = entry.get("limit")
    for path, table in placed(files, read, entry):
        _refuse_nameless(table, path)
        table = table if left is None else table.head(left)
        left = None if left is None else left - table.height
        audit.add(table)
        yield table.select(PASSAGES.names())
        if left == 0:
            break
    if not audit.passages:
        raise UserError(f"{_names(files)}: no passage in it; check the object and its format")
    if audit.ids.repeated().size:
        _refuse_repeated(files, read, entry, audit)


def placed(
    files: Sequence[Path], read: Read, entry: Mapping[str, Any]
) -> Iterator[tuple[Path, pl.DataFrame]]:
    """Yield (file, table with lines), cut into chunks where the entry says so."""
    chunk, language = entry.get("chunk"), entry.get("language")
    for path in files:
        for table in read(path, entry.get("columns") or {}):
            yield path, cut(table, **chunk, language=language) if chunk else table


def _refuse_nameless(table: pl.DataFrame, path: Path) -> None:
    nameless = table["id"] == ""
    if nameless.any():
        line = table["line"][nameless.arg_max()]
        raise UserError(f"{path}, line {line}: a passage without an id; give it one")


def _refuse_repeated(
    files: Sequence[Path], read: Read, entry: Mapping[str, Any], audit: CorpusAudit
) -> None:
    """Read again and name the first id that is really twice there (hashes may meet by chance)."""
    hashes = pl.Series(audit.ids.repeated().astype(np.uint64))
    seen: dict[str, str] = {}
    for path, table in placed(files, read, entry):
        suspects = table.filter(pl.col("id").hash(seed=0).is_in(hashes.implode()))
        for id, line in suspects.select("id", "line").iter_rows():
            place = f"{path}, line {line}"
            if id in seen:
                raise UserError(f"{place}: the id '{id}' is already used in {seen[id]}; rename one")
            seen[id] = place


def _names(files: Sequence[Path]) -> str:
    return ", ".join(map(str, islice(files, 3))) or "the object's folder"
