"""What local sources hold: digests of their content, computed once and kept by size and time.

The driver computes them while the Snakefile is parsed. Its jobs get them through the environment,
so that a file that is edited during a run changes no name of what the run makes.
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
"""A file that changed so lately may change again within a tick of its clock: it is read again."""

Digests = Mapping[str, str | None]


class Source(NamedTuple):
    """Where an entry's files come from; of a checkpoint only weights and descriptions count."""

    uri: str
    checkpoint: bool = False
    allow_pickle: bool = False

    @property
    def label(self) -> str:
        """What its digest is known by."""
        return f"{self.checkpoint:d}{self.allow_pickle:d} {self.uri}"

    def counted_files(self, names: Iterable[str]) -> set[str]:
        """Return the names that count; UserError where weights cannot be told from others."""
        if not self.checkpoint:
            return set(names)
        try:
            return checkpoint_files.counted_files(
                names, self.allow_pickle, lambda name: _read_bytes(path_of(self.uri), name)
            )
        except UserError as error:
            raise UserError(f"{self.uri}: {error}") from None


def content_digest(source: Source, files: Mapping[str, str]) -> str | None:
    """Return the digest of the files that count, given as name and SHA-256; None for no file."""
    kept = source.counted_files(files)
    return digest(sorted([name, files[name]] for name in kept)) if kept else None


def source_digests(sources: Iterable[Source], driver: bool, cache: Path = CACHE) -> Digests:
    """Return the content of each local source by its label, None where nothing was ever there.

    Of a source that is gone it is what was seen last, so that what was made of it stays in use. A
    job takes what its driver computed. UserError for a file that cannot be read.
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
    """Raise UserError where a local source no longer holds what it held when the run was planned.

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
    """The SHA-256 of files that did not change since they were read, by path, size, time, inode.

    Beside it, what each source held when it was seen last.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._found: dict[str, list[Any]] = {}
        self._seen: dict[str, str] = {}
        self._young: set[str] = set()
        with suppress(OSError, ValueError, TypeError):
            self._found, self._seen = json.loads(cache.read_text(encoding="utf-8"))

    def read(self, files: Iterable[LocalFile]) -> None:
        """Read the files that changed, several at once, and keep what they hold."""
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
        """Return the digests of sources, those seen last for None, and keep them."""
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
        raise UserError(f"{name}: cannot be read: {error.strerror}; mend that") from None


def _sha256(path: str) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; mend that") from None
