"""Downloads an object, or all objects of a prefix, into a folder that is complete or absent."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Any

from slmrag.errors import UserError
from slmrag.files import ChooseFiles
from slmrag.job.progress import bar
from slmrag.storage.checksums import mismatch_reason
from slmrag.storage.content_encodings import decode_partial
from slmrag.storage.download_folder import (
    Workspace,
    refuse_full_disk,
    refuse_merged_names,
    remove_leftovers,
    workspace,
)
from slmrag.storage.finished_files import FinishedFiles
from slmrag.storage.partial_file import PartialFile
from slmrag.storage.schemes import open_source
from slmrag.storage.source import Interrupted, RemoteFile, Source, file_names
from slmrag.storage.transfer import Report, transfer, wait_after

FILES_AT_ONCE = 4
PARTS_AT_ONCE = 4


class DownloadStopped(Exception):
    """Raised in the threads of a download that has failed."""


def download(
    uri: str,
    folder: str | Path,
    storage: dict[str, Any],
    sha256: str | None = None,
    wanted: ChooseFiles | None = None,
) -> list[dict[str, Any]]:
    """Fetch the files of ``uri`` that are ``wanted`` into ``folder`` and describe each of them."""
    source = open_source(uri, storage)
    remotes = list_wanted(source, wanted)
    names = file_names(remotes, uri)
    if sha256 and len(remotes) != 1:
        raise UserError(f"{uri}: sha256 is set, but the uri names {len(remotes)} files; drop it")
    with workspace(Path(folder)) as work:
        remove_leftovers(work.data, names)
        files = _fetch_all(source, remotes, work)
        refuse_merged_names(work.data, names)
        if reason := mismatch_reason(remotes, files, sha256):
            shutil.rmtree(work.data.parent, ignore_errors=True)
            raise UserError(f"{uri}: {reason}")
    return files


def list_wanted(source: Source, wanted: ChooseFiles | None) -> list[RemoteFile]:
    """Return the files of a source that are wanted; UserError from the source or ``wanted``."""
    remotes = _retry(source.files)
    if wanted is None:
        return remotes
    known = {remote.name: remote for remote in remotes}

    def read(name: str) -> bytes:
        return _retry(lambda: b"".join(source.read(source.describe(known[name]), 0, None)))

    chosen = wanted(list(known), read)
    return [remote for remote in remotes if remote.name in chosen]


def _retry(ask: Callable[[], Any]) -> Any:
    """Return what ``ask`` returns; try again after an interruption."""
    tries = 0
    while True:
        try:
            return ask()
        except Interrupted as cut:
            tries += 1
            wait_after(cut, tries)


def _fetch_all(source: Source, remotes: list[RemoteFile], work: Workspace) -> list[dict[str, Any]]:
    total = sum(remote.bytes or 0 for remote in remotes)
    refuse_full_disk(work.data, total)
    lock, stopped = Lock(), Event()
    queue, found = iter(enumerate(remotes)), dict[int, dict[str, Any]]()
    with (
        bar(
            total=total or None, desc=work.data.parent.name.strip("."), unit="B", unit_scale=True
        ) as shown,
        FinishedFiles(work) as finished,
        ThreadPoolExecutor(FILES_AT_ONCE) as files,
        ThreadPoolExecutor(PARTS_AT_ONCE) as parts,
    ):

        def report(count: int) -> None:
            if stopped.is_set():
                raise DownloadStopped
            with lock:
                shown.update(count)

        def fetch_some() -> None:
            for index, remote in queue:
                report(0)
                found[index] = _fetch(source, remote, work, finished, parts, report)

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
    source: Source,
    remote: RemoteFile,
    work: Workspace,
    finished: FinishedFiles,
    parts: Executor,
    report: Report,
) -> dict[str, Any]:
    if remote.last_modified is None:
        remote = _retry(lambda: source.describe(remote))
    with _explain_disk_errors(remote.name, work.data):
        if facts := finished.find(remote):
            report(remote.bytes or 0)
        else:
            facts = _transfer_file(source, remote, work, parts, report)
            finished.add(remote, facts)
    return {
        "name": remote.name,
        **facts,
        "etag": remote.etag,
        "version_id": remote.version_id,
        "last_modified": remote.last_modified,
    }


def _transfer_file(
    source: Source, remote: RemoteFile, work: Workspace, parts: Executor, report: Report
) -> dict[str, Any]:
    """Transfer a file to its place, decoded if it is sent encoded; return its size and digest."""
    with PartialFile(work, remote) as partial:
        sha256 = transfer(source, remote, partial, parts, report)
        facts = {"bytes": os.fstat(partial.fd).st_size, "sha256": sha256}
        if remote.encoding:
            facts = decode_partial(partial, remote.encoding, facts)
        partial.finish()
    return facts


@contextmanager
def _explain_disk_errors(name: str, work: Path) -> Iterator[None]:
    """Turn errors of the disk into one sentence."""
    try:
        yield
    except OSError as error:
        long = error.errno in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
        do = "rename it" if long else "make room or check the permissions"
        raise UserError(f"{name}: cannot be written to {work}: {error.strerror}; {do}") from error
