"""An object, or all objects under a prefix, into a folder that is whole or absent."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Any

from slmrag.errors import UserError
from slmrag.progress import bar
from slmrag.storage.base import Interrupted, Remote, Source, safe_name
from slmrag.storage.partial import Partial
from slmrag.storage.transfer import Report, transfer, wait_after
from slmrag.storage.workspace import refuse_full_disk, sweep, workspace

FILES_AT_ONCE = 4
PARTS_AT_ONCE = 4


Wanted = Callable[[list[str], Callable[[str], bytes]], set[str]]
"""From the names of all files, and what reads a small one of them, to the names to be fetched."""


class Stopped(Exception):
    """The job ends, so its threads do."""


def open_source(uri: str, storage: dict[str, Any]) -> Source:
    """Return the source that reads this kind of URI."""
    from slmrag.storage.http import Http
    from slmrag.storage.local import Local
    from slmrag.storage.s3 import S3

    kinds: dict[str, Callable[[str, dict[str, Any]], Source]] = {
        "s3": S3,
        "https": Http,
        "http": Http,
        "file": Local,
        "": Local,
    }
    scheme = uri.split("://", 1)[0].lower() if "://" in uri else ""
    if scheme not in kinds:
        raise UserError(f"{uri}: unknown scheme; use s3://, https://, file:// or a path")
    return kinds[scheme](uri, storage)


def download(
    uri: str,
    folder: str | Path,
    storage: dict[str, Any],
    sha256: str | None = None,
    wanted: Wanted | None = None,
) -> list[dict[str, Any]]:
    """Fetch the files of ``uri`` that are ``wanted`` into ``folder`` and describe each of them."""
    source = open_source(uri, storage)
    remotes = listed(source, wanted)
    _refuse_clashes(remotes, uri)
    if sha256 and len(remotes) != 1:
        raise UserError(f"{uri}: sha256 is set, but the uri names {len(remotes)} files; drop it")
    with workspace(Path(folder)) as work:
        files = _fetch_all(source, remotes, work)
        sweep(work, {work / remote.name for remote in remotes})
        if sha256 and files[0]["sha256"] != sha256:
            shutil.rmtree(work, ignore_errors=True)
            raise UserError(
                f"{uri}: its SHA-256 is {files[0]['sha256']}, but the config expects {sha256}; "
                "correct the config or the object"
            )
    return files


def listed(source: Source, wanted: Wanted | None) -> list[Remote]:
    """Return the files of a source that are wanted; UserError as it and ``wanted`` raise."""
    remotes = _patient(source.files)
    if wanted is None:
        return remotes
    known = {remote.name: remote for remote in remotes}

    def read(name: str) -> bytes:
        return _patient(lambda: b"".join(source.read(source.describe(known[name]), 0, None)))

    chosen = wanted(list(known), read)
    return [remote for remote in remotes if remote.name in chosen]


def _patient(ask: Callable[[], Any]) -> Any:
    """Ask again where the server did not answer."""
    tries = 0
    while True:
        try:
            return ask()
        except Interrupted as cut:
            tries += 1
            wait_after(cut, tries)


def _refuse_clashes(remotes: Sequence[Remote], uri: str) -> None:
    names = [safe_name(remote.name, uri) for remote in remotes]
    folders = {str(parent) for name in names for parent in Path(name).parents}
    for name in names:
        if names.count(name) > 1 or name in folders:
            raise UserError(f"{uri}: two objects would become the file {name}; rename one")


def _fetch_all(source: Source, remotes: list[Remote], work: Path) -> list[dict[str, Any]]:
    total = sum(remote.bytes or 0 for remote in remotes)
    refuse_full_disk(work, total)
    lock, stopped = Lock(), Event()
    with (
        bar(total=total or None, desc=work.name.strip("."), unit="B", unit_scale=True) as shown,
        ThreadPoolExecutor(FILES_AT_ONCE) as files,
        ThreadPoolExecutor(PARTS_AT_ONCE) as parts,
    ):

        def report(count: int) -> None:
            if stopped.is_set():
                raise Stopped
            with lock:
                shown.update(count)

        jobs = [files.submit(_fetch, source, remote, work, parts, report) for remote in remotes]
        try:
            return [job.result() for job in jobs]
        except BaseException:
            stopped.set()
            for pool in (files, parts):
                pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fetch(
    source: Source, remote: Remote, work: Path, parts: Executor, report: Report
) -> dict[str, Any]:
    if remote.last_modified is None:
        remote = _patient(lambda: source.describe(remote))
    with _explained(remote.name, work), Partial(work / remote.name, remote) as partial:
        sha256 = transfer(source, remote, partial, parts, report)
        size = partial.path.stat().st_size
        partial.finish()
    return {
        "name": remote.name,
        "bytes": size,
        "sha256": sha256,
        "etag": remote.etag,
        "version_id": remote.version_id,
        "last_modified": remote.last_modified,
    }


@contextmanager
def _explained(name: str, work: Path) -> Iterator[None]:
    """Say in one sentence what the disk refuses."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{name}: cannot be written to {work}: {error.strerror}; "
            "make room or check the permissions"
        ) from error
