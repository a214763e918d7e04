"""An object, or all objects under a prefix, into a folder that is whole or absent."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Any

from slmrag.errors import UserError
from slmrag.files import sha256_file
from slmrag.hub_names import SCHEME as HUB
from slmrag.progress import bar
from slmrag.storage.base import Interrupted, Remote, Source, safe_name
from slmrag.storage.encodings import decode
from slmrag.storage.partial import Partial
from slmrag.storage.transfer import Report, transfer, wait_after
from slmrag.storage.workspace import Workspace, refuse_full_disk, sweep, workspace

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
    if uri.startswith(HUB):
        from slmrag.storage.hub import Hub

        return Hub(uri, storage)
    scheme = uri.split("://", 1)[0].lower() if "://" in uri else ""
    if scheme not in kinds:
        raise UserError(f"{uri}: unknown scheme; use s3://, https://, file://, hf: or a path")
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
    names = names_of(remotes, uri)
    if sha256 and len(remotes) != 1:
        raise UserError(f"{uri}: sha256 is set, but the uri names {len(remotes)} files; drop it")
    with workspace(Path(folder)) as work:
        files = _fetch_all(source, remotes, work)
        sweep(work.data, names)
        if wrong := _wrong(remotes, files, sha256):
            shutil.rmtree(work.data.parent, ignore_errors=True)
            raise UserError(f"{uri}: {wrong}")
    return files


def _wrong(remotes: Sequence[Remote], files: Sequence[dict[str, Any]], sha256: str | None) -> str:
    """Return why what came is not taken, or nothing: another content, or perhaps not all of it.

    ``sha256`` may be that of the file, or of the bytes that were sent where they were decoded.
    """
    file = files[0]
    if sha256 and sha256 not in (file["sha256"], file.get("sent", file)["sha256"]):
        sent = f" (sent as {file['sent']['encoding']}, and decoded)" if "sent" in file else ""
        return (
            f"its SHA-256 is {file['sha256']}{sent}, but the config expects {sha256}; "
            "correct the config or the object"
        )
    if remotes[0].open_ended and not sha256 and "sent" not in file:
        return (
            "its server says neither how long it is nor where it ends, so that a cut would not be "
            f"seen; if the {file['bytes']} bytes that came are all of it, set the object's "
            f"sha256: {file['sha256']}"
        )
    return ""


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


def names_of(remotes: Iterable[Remote], uri: str) -> set[str]:
    """Return the names that files will have; UserError where two would be one, or leads out."""
    names = Counter(safe_name(remote.name, uri) for remote in remotes)
    holders = {name.rpartition("/")[0] for name in names}
    folders = {held[:end] for held in holders for end in _ends(held)}
    for name, times in names.items():
        if times > 1 or name in folders:
            raise UserError(f"{uri}: two objects would become the file {name}; rename one")
    return set(names)


def _ends(folder: str) -> Iterator[int]:
    """Yield where the name of each folder ends that a folder lies in, its own among them."""
    yield from (place for place, letter in enumerate(f"{folder}/") if letter == "/")


def _fetch_all(source: Source, remotes: list[Remote], work: Workspace) -> list[dict[str, Any]]:
    total = sum(remote.bytes or 0 for remote in remotes)
    refuse_full_disk(work.data, total)
    lock, stopped = Lock(), Event()
    queue, found = iter(enumerate(remotes)), dict[int, dict[str, Any]]()
    with (
        bar(
            total=total or None, desc=work.data.parent.name.strip("."), unit="B", unit_scale=True
        ) as shown,
        ThreadPoolExecutor(FILES_AT_ONCE) as files,
        ThreadPoolExecutor(PARTS_AT_ONCE) as parts,
    ):

        def report(count: int) -> None:
            if stopped.is_set():
                raise Stopped
            with lock:
                shown.update(count)

        def fetch_some() -> None:
            for index, remote in queue:
                found[index] = _fetch(source, remote, work, parts, report)

        jobs = [files.submit(fetch_some) for _ in range(FILES_AT_ONCE)]
        try:
            for job in as_completed(jobs):
                job.result()
            return [found[index] for index in range(len(remotes))]
        except BaseException:
            stopped.set()
            for pool in (files, parts):
                pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fetch(
    source: Source, remote: Remote, work: Workspace, parts: Executor, report: Report
) -> dict[str, Any]:
    if remote.last_modified is None:
        remote = _patient(lambda: source.describe(remote))
    with _explained(remote.name, work.data), Partial(work, remote) as partial:
        sha256 = transfer(source, remote, partial, parts, report)
        came = {"bytes": os.fstat(partial.fd).st_size, "sha256": sha256}
        if remote.encoding:
            came = _decoded(partial, remote.encoding, came)
        partial.finish()
    return {
        "name": remote.name,
        **came,
        "etag": remote.etag,
        "version_id": remote.version_id,
        "last_modified": remote.last_modified,
    }


def _decoded(partial: Partial, encoding: str, came: dict[str, Any]) -> dict[str, Any]:
    """Put the decoded content in the place of what was sent, and say both; or leave it as sent."""
    aside = partial.state.with_suffix(".decoded")
    try:
        if not decode(partial.path, encoding, aside, partial.remote.name):
            return came
    except UserError:
        partial.restart()
        raise
    about = {"bytes": aside.stat().st_size, "sha256": sha256_file(aside)}
    partial.finish()
    aside.replace(partial.path)
    return about | {"sent": {"encoding": encoding, **came}}


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
