"""Digests of the content of local sources, cached by size and time.

The driver computes them while the Snakefile is parsed and gives them to its jobs through the
environment: a file that is edited during a run changes no name of an output.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from slmrag.errors import UserError
from slmrag.files import atomic, digest, sha256_file
from slmrag.models import checkpoint_files
from slmrag.storage.local import LocalFile, files_of, is_local, path_of

CACHE = Path(".snakemake/local_sources.json")
DIGESTS_VARIABLE = "SLMRAG_LOCAL_SOURCES"
HASHING_THREADS = 4
BYTES_WITH_NOTICE = 1_000_000_000
RACY_NS = 2_000_000_000
"""A file that changed this recently is not cached: it may change within one tick of its clock."""

Digests = Mapping[str, str | None]


class Source(NamedTuple):
    """The source of an entry's files; of a checkpoint only weights and descriptions count."""

    uri: str
    checkpoint: bool = False
    allow_pickle: bool = False

    @property
    def label(self) -> str:
        """The name of its digest in ``Digests``."""
        return f"{self.checkpoint:d}{self.allow_pickle:d} {self.uri}"

    def counted_files(self, names: Iterable[str]) -> set[str]:
        """Return the names of the files that count; UserError if the weights are not clear."""
        if not self.checkpoint:
            return set(names)
        try:
            return checkpoint_files.counted_files(
                names, self.allow_pickle, lambda name: _read_bytes(path_of(self.uri), name)
            )
        except UserError as error:
            raise UserError(f"{self.uri}: {error}") from None


def content_digest(source: Source, files: Mapping[str, str]) -> str | None:
    """Return the digest of the files that count; ``files`` has their SHA-256. None for no file."""
    kept = source.counted_files(files)
    return digest(sorted([name, files[name]] for name in kept)) if kept else None


def source_digests(sources: Iterable[Source], driver: bool, cache: Path = CACHE) -> Digests:
    """Return the digest of each local source by its label; None if it never existed.

    A source that is gone keeps its last digest, so that its outputs stay in use. A job takes what
    its driver computed. UserError for a file that cannot be read.
    """
    from_driver = os.environ.get(DIGESTS_VARIABLE)
    if from_driver and not driver:
        parsed: Digests = json.loads(from_driver)
        return parsed
    chosen = {one: _counted_files(one) for one in dict.fromkeys(sources) if is_local(one.uri)}
    known = DigestCache(cache)
    known.read(file for files in chosen.values() for file in files.values())
    found = known.sources(
        {
            one.label: content_digest(
                one, {name: known.sha256(file) for name, file in files.items()}
            )
            for one, files in chosen.items()
        }
    )
    if driver:
        os.environ[DIGESTS_VARIABLE] = json.dumps(found)
    return found


def refuse_change(source: Source, files: Iterable[Mapping[str, Any]], planned: str | None) -> None:
    """Raise UserError if a local source has changed since the run was planned.

    ``files`` are a download's: name and sha256 of each.
    """
    found = content_digest(source, {file["name"]: file["sha256"] for file in files})
    if planned is not None and found != planned:
        raise UserError(f"{source.uri}: has changed since the run began; run again")


def _counted_files(source: Source) -> dict[str, LocalFile]:
    files = files_of(source.uri)
    kept = source.counted_files(files)
    return {name: file for name, file in files.items() if name in kept}


class DigestCache:
    """The SHA-256 of files by path, valid while size, times and inode stay the same.

    It also holds the last digest of each source.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._found: dict[str, list[Any]] = {}
        self._seen: dict[str, str] = {}
        self._young: set[str] = set()
        with suppress(OSError, ValueError, TypeError):
            self._found, self._seen = json.loads(cache.read_text(encoding="utf-8"))

    def read(self, files: Iterable[LocalFile]) -> None:
        """Compute the digests of changed files, several at once, and keep them."""
        news = {file.path: file.stamp for file in files if not self._has(file)}
        if not news:
            return
        if (size := sum(stamp[0] for stamp in news.values())) > BYTES_WITH_NOTICE:
            print(f"reading {size / 1e9:.1f} GB of local files, once", file=sys.stderr)
        began = time.time_ns()
        with ThreadPoolExecutor(HASHING_THREADS) as pool:
            values = list(pool.map(_sha256, news))
        self._found |= {path: [news[path], value] for path, value in zip(news, values, strict=True)}
        self._young = {path for path, stamp in news.items() if began - stamp[1] < RACY_NS}
        self._save()

    def sources(self, found: Digests) -> Digests:
        """Keep the digests of sources and return them, the last one known in place of None."""
        seen = self._seen | {label: value for label, value in found.items() if value}
        if seen != self._seen:
            self._seen = seen
            self._save()
        return {label: seen.get(label) for label in found}

    def sha256(self, file: LocalFile) -> str:
        """Return the digest of a file that was read."""
        return str(self._found[file.path][1])

    def _has(self, file: LocalFile) -> bool:
        found = self._found.get(file.path)
        return found is not None and found[0] == file.stamp

    def _save(self) -> None:
        kept = {path: found for path, found in self._found.items() if path not in self._young}
        with suppress(OSError), atomic(self._cache) as temporary:
            temporary.write_text(json.dumps([kept, self._seen]), encoding="utf-8")


def _read_bytes(folder: str, name: str) -> bytes:
    path = os.path.join(folder, name)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}; correct that") from None


def _sha256(path: str) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; correct that") from None
