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
from urllib.parse import unquote, urlsplit

from slmrag.checkpoint_files import recipe
from slmrag.errors import UserError
from slmrag.files import atomic, digest, sha256_file

CACHE = Path(".snakemake/local_files.json")
HANDED_ON = "SLMRAG_LOCAL_FILES"
AT_ONCE = 4
TOLD_BYTES = 1_000_000_000
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

    def chosen(self, names: Iterable[str]) -> set[str]:
        """Return the names that count."""
        return recipe(names, self.allow_pickle) if self.checkpoint else set(names)


def is_local(uri: str) -> bool:
    """Tell whether a URI names a file or a folder of this machine."""
    return uri.startswith("file:") or ("://" not in uri and not uri.startswith("hf:"))


def path_of(uri: str) -> str:
    """Return the path that a local URI names."""
    return unquote(urlsplit(uri).path) if uri.startswith("file:") else uri


def files_of(uri: str) -> dict[str, str]:
    """Return the path of each file of a local source by its name there; empty where none is."""
    path = path_of(uri)
    if os.path.isfile(path):
        return {os.path.basename(path): path}
    found = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    return {os.path.relpath(file, path): file for file in found if os.path.isfile(file)}


def content(source: Source, files: Mapping[str, str]) -> str | None:
    """Return the digest of the files that count, given as name and SHA-256; None for no file."""
    kept = source.chosen(files)
    return digest(sorted([name, files[name]] for name in kept)) if kept else None


def digests(sources: Iterable[Source], driver: bool, cache: Path = CACHE) -> Digests:
    """Return the content of each local source by its label, None where nothing is there.

    A job takes what its driver computed. UserError for a file that cannot be read.
    """
    handed = os.environ.get(HANDED_ON)
    if handed and not driver:
        return json.loads(handed)
    files = {one: _paths(one) for one in dict.fromkeys(sources) if is_local(one.uri)}
    known = Known(cache)
    known.read_all(path for paths in files.values() for path in paths.values())
    found = {
        one.label: content(one, {name: known.sha256(path) for name, path in paths.items()})
        for one, paths in files.items()
    }
    if driver:
        os.environ[HANDED_ON] = json.dumps(found)
    return found


def refuse_change(source: Source, files: Iterable[Mapping[str, Any]], planned: str | None) -> None:
    """Raise UserError where a local source no longer holds what it held when the run was planned.

    ``files`` are a download's: name and sha256 of each.
    """
    found = content(source, {file["name"]: file["sha256"] for file in files})
    if planned is not None and found != planned:
        raise UserError(f"{source.uri}: has changed since the run began; run again")


def _paths(source: Source) -> dict[str, str]:
    files = files_of(source.uri)
    kept = source.chosen(files)
    return {name: path for name, path in files.items() if name in kept}


class Known:
    """The SHA-256 of files that did not change since they were read, by path, size, time, inode."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._found: dict[str, tuple[list[int], str]] = {}
        with suppress(OSError, ValueError):
            self._found = json.loads(cache.read_text(encoding="utf-8"))

    def read_all(self, paths: Iterable[str]) -> None:
        """Read the files that changed, several at once, and keep what they hold."""
        stamps = {os.path.abspath(path): _stamp(path) for path in paths}
        news = [path for path in stamps if self._found.get(path, [None])[0] != stamps[path]]
        if not news:
            return
        if (size := sum(stamps[path][0] for path in news)) > TOLD_BYTES:
            print(f"reading {size / 1e9:.1f} GB of local files, once", file=sys.stderr)
        began = time.time_ns()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            read = zip(news, pool.map(_read, news), strict=True)
            self._found |= {path: (stamps[path], value) for path, value in read}
        self._save({path for path in news if began - stamps[path][1] < RACY_NS})

    def sha256(self, path: str) -> str:
        """Return the digest of a file that ``read_all`` has seen."""
        return self._found[os.path.abspath(path)][1]

    def _save(self, young: set[str]) -> None:
        kept = {path: found for path, found in self._found.items() if path not in young}
        with suppress(OSError), atomic(self._cache) as temporary:
            temporary.write_text(json.dumps(kept), encoding="utf-8")


def _stamp(path: str) -> list[int]:
    """Return size, time of change in nanoseconds and inode of a file."""
    about = os.stat(path)
    return [about.st_size, about.st_mtime_ns, about.st_ino]


def _read(path: str) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; mend that") from None
