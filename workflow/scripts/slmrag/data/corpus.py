"""Files of passages into one checked stream of tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slmrag.data.chunking import cut_documents
from slmrag.data.corpus_audit import CorpusAudit
from slmrag.data.ids import normalize_ids
from slmrag.data.repetitions import Deduplicator
from slmrag.data.schemas import PASSAGES
from slmrag.errors import UserError

PassageReader = Callable[[Path, Mapping[str, str]], Iterator[pl.DataFrame]]


class RepeatedPassages(Exception):
    """Some passages are repeated word for word: read all again, with the ``deduplicator``."""

    def __init__(self, deduplicator: Deduplicator) -> None:
        super().__init__("passages were repeated")
        self.deduplicator = deduplicator


def checked_passages(
    files: Sequence[Path],
    read: PassageReader,
    entry: Mapping[str, Any],
    audit: CorpusAudit,
    deduplicator: Deduplicator | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield tables of id, title and text; UserError names the file and line of an error.

    Raises RepeatedPassages at the end if records are repeated; with its ``deduplicator`` a second
    reading yields each of them once.
    """
    left = entry.get("limit")
    for path, table in read_tables(files, read, entry):
        _refuse_missing_ids(table, path)
        table = table if left is None else table.head(left)
        left = None if left is None else left - table.height
        table = deduplicator.drop_repetitions(table) if deduplicator else table
        audit.add(table)
        yield table.select(PASSAGES.names())
        if left == 0:
            break
    if not audit.passages:
        raise UserError(f"{_file_names(files)}: no passage in it; check the object and its format")
    if deduplicator is None and (hashes := audit.ids.repeated_hashes()).size:
        _refuse_different(files, read, entry, hashes)


def read_tables(
    files: Sequence[Path], read: PassageReader, entry: Mapping[str, Any]
) -> Iterator[tuple[Path, pl.DataFrame]]:
    """Yield (file, table with lines), cut into chunks if the entry says so."""
    chunk, language = entry.get("chunk"), entry.get("language")
    for path in files:
        for table in read(path, entry.get("columns") or {}):
            table = normalize_ids(table)
            yield path, cut_documents(table, **chunk, language=language) if chunk else table


def _refuse_missing_ids(table: pl.DataFrame, path: Path) -> None:
    nameless = table["id"] == ""
    if nameless.any():
        line = table["line"].filter(nameless)[0]
        raise UserError(f"{path}, line {line}: a passage without an id; give it one")


def _refuse_different(
    files: Sequence[Path], read: PassageReader, entry: Mapping[str, Any], hashes: np.ndarray
) -> None:
    """Read again: name an id of two texts, or raise RepeatedPassages; hashes may collide."""
    deduplicator, found = Deduplicator(hashes), False
    for path, table in read_tables(files, read, entry):
        found = deduplicator.has_repetitions(table, path) or found
    if found:
        raise RepeatedPassages(Deduplicator(hashes))


def _file_names(files: Sequence[Path]) -> str:
    return ", ".join(map(str, islice(files, 3))) or "the object's folder"
