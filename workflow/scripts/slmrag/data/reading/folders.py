"""The files of raw objects that hold data, without descriptions and files of other kinds.

Among documents, texts and PDFs are read; other files are left out and counted.
"""

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from slmrag.data.reading.compression import COMPRESSIONS, chunks_of
from slmrag.data.reading.file_kinds import is_document
from slmrag.errors import UserError

log = logging.getLogger(__name__)

SIDE_FILE = re.compile(
    r"_SUCCESS|_(committed|started)_\w+|_(common_)?metadata|dataset_infos?\.json|.*\.crc"
    r"|(README|LICEN[CS]E|NOTICE|CITATION|CHANGELOG)([._-][\w.-]*)?"
)
"""Names of files that Spark and the hub write beside the data."""
DATA_SUFFIXES = {".jsonl", ".json", ".csv", ".tsv", ".parquet", *COMPRESSIONS}
"""Suffixes of data: README_questions.jsonl is no README."""


def files_of(folders: Sequence[str | Path] | str) -> list[Path]:
    """Return the files below the folders, in order, without hidden ones."""
    folders = [folders] if isinstance(folders, str | Path) else folders
    return [
        path
        for folder in folders
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    ]


def data_files(folders: Sequence[str | Path] | str) -> list[Path]:
    """Return the files with data; if there is none, all files, so that a reader refuses them."""
    files = files_of(folders)
    kept = [path for path in files if not _is_side_file(path)]
    if kept and len(kept) < len(files):
        log.info("skipped %d files that describe the data", len(files) - len(kept))
    return kept or files


def _is_side_file(path: Path) -> bool:
    named = SIDE_FILE.fullmatch(path.name)
    return named is not None and (
        path.suffix not in DATA_SUFFIXES or path.name.startswith("dataset_info")
    )


def documents_of(folders: Sequence[str | Path] | str) -> tuple[list[Path], dict[Path, str]]:
    """Return the files that are text or PDFs, and the suffixes of the others, with warnings."""
    files = files_of(folders)
    documents = [path for path in files if is_document(path)]
    if files and not documents:
        next(chunks_of(files[0]), None)
        raise UserError(f"{files[0]}: is no text; convert it to plain text, Markdown, HTML or PDF")
    left = {path: path.suffix.lower() or path.name for path in files}
    for path in documents:
        del left[path]
    for suffix, count in count_by_reason(left).items():
        log.warning("files that end in %s are no text: left out (%d)", suffix, count)
    return documents, left


def count_by_reason(left: Mapping[Path, str]) -> dict[str, int]:
    """Return how many files are left out, by reason."""
    return dict(sorted(Counter(left.values()).items()))
