"""An index folder: whole or absent, with a record of what it was built from."""

import os
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from slmrag.data import passages as corpus
from slmrag.errors import UserError
from slmrag.files import digest, read_json, sha256_file, write_json

INDEX_FORMAT = 1
RECORDED_LIBRARIES = ("numpy", "polars", "tokenizers", "torch", "transformers")


def folder_digest(folder: str | os.PathLike[str]) -> str:
    """Return a digest of the names and contents of a folder's files."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return digest([[str(path.relative_to(folder)), sha256_file(path)] for path in files])


def build_settings(entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys and values that an index of this entry is built with, with defaults.

    The corpus's language is among them if it has one and the kind uses it.
    """
    chosen = {key: entry.get(key, default) for key, default in defaults.items()}
    spoken = {key: entry[key] for key in ("language",) if key in entry}
    return {"kind": entry["kind"]} | chosen | spoken


def write_description(
    index: Path, built: Mapping[str, Any], passages: Path, facts: Mapping[str, Any]
) -> int:
    """Write index.json: what the index was built from and with, and the size of each file.

    Returns the index's size in bytes.
    """
    files = {path.name: path.stat().st_size for path in sorted(index.iterdir())}
    source = {"passages": corpus.size(passages), "passages_sha256": sha256_file(passages)}
    origin = {"built": dict(built), "versions": library_versions(), **source}
    write_json({"format": INDEX_FORMAT, "files": files, **origin, **facts}, index / "index.json")
    return sum(files.values())


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that are loaded, among those that make an index."""
    return {name: version(name) for name in RECORDED_LIBRARIES if name in sys.modules}


def check_index(index: Path, wanted: Mapping[str, Any], passages: Path) -> dict[str, Any]:
    """Return index.json; UserError unless the index is whole, as wanted, and of this corpus."""
    about = _read_description(index)
    for key in sorted({*about["built"], *wanted}):
        built, now = about["built"].get(key), wanted.get(key)
        if built != now:
            raise UserError(
                f"{index}: was built with {key}: {built!r}, but the retriever says {now!r}; "
                f"{_REBUILD_ADVICE}"
            )
    if sha256_file(passages) != about["passages_sha256"]:
        raise UserError(
            f"{index}: was built from another corpus than {passages}; {_REBUILD_ADVICE}"
        )
    return about


def _read_description(index: Path) -> dict[str, Any]:
    if not (index / "index.json").is_file():
        raise UserError(f"{index}: has no index.json, so it is not an index; {_REBUILD_ADVICE}")
    try:
        about = read_json(index / "index.json")
    except ValueError:
        raise UserError(f"{index}/index.json: is not complete; {_REBUILD_ADVICE}") from None
    if about.get("format") != INDEX_FORMAT:
        raise UserError(
            f"{index}: has format {about.get('format')}, not {INDEX_FORMAT}; {_REBUILD_ADVICE}"
        )
    for name, size in about["files"].items():
        file = index / name
        found = file.stat().st_size if file.is_file() else None
        if found != size:
            raise UserError(
                f"{file}: has {found} bytes where {size} were written; {_REBUILD_ADVICE}"
            )
    return about


_REBUILD_ADVICE = "delete the folder and let index_passages build it again"
