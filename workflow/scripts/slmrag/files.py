"""Files and folders that are complete or absent: written under a temporary name, then renamed."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    import polars as pl

ReadFile = Callable[[str], bytes | str]
"""Takes a file's name; returns its content."""

ChooseFiles = Callable[[list[str], ReadFile], set[str]]
"""Takes the names of files and a function that reads one; returns the names that are wanted."""


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it on success, remove it on failure."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; rename it on success, remove it on failure."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}.part")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_table(
    frame: "pl.DataFrame", path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a table as zstd Parquet, with ``metadata`` as the file's key-value pairs."""
    with atomic(path) as temporary:
        frame.write_parquet(temporary, compression="zstd", metadata=dict(metadata or {}) or None)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the key-value pairs of a Parquet file."""
    import polars as pl

    return pl.read_parquet_metadata(os.fspath(path))


def write_json(value: Any, path: str | os.PathLike[str]) -> None:
    """Write JSON with sorted keys, so that equal values are equal bytes."""
    with atomic(path) as temporary:
        text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write a text file in UTF-8."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return what a JSON file holds."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def sha256_file(path: str | os.PathLike[str]) -> str:
    """Return the hex SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """Return the hex SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
