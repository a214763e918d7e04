"""Transfer of one file to the disk: parts in parallel, resumed after cuts, verified."""

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from slmrag.errors import UserError
from slmrag.storage.checksums import FileChecks, Mismatch
from slmrag.storage.partial_file import PART_BYTES, PartialFile
from slmrag.storage.source import Interrupted, NoRangeSupport, RemoteFile, Source

MAX_TRIES = 5
"""After this many cuts in a row without progress a transfer gives up."""
FIRST_WAIT_SECONDS = 0.25
PROGRESS_BYTES = 64 << 10
"""Bytes that a try must transfer to count as progress."""
RESUME_HINT = (
    " to resume: files that came whole are kept, and of larger ones each whole part of "
    f"{PART_BYTES >> 20} MiB"
)

Report = Callable[[int], None]


def transfer(
    source: Source, remote: RemoteFile, partial: PartialFile, pool: Executor, report: Report
) -> str:
    """Bring one file into ``partial`` and return its SHA-256; UserError names what failed."""
    try:
        try:
            return _fetch(source, remote, partial, pool, report)
        except Mismatch:
            if not partial.resumed:
                raise
            partial.restart()
            return _fetch(source, remote, partial, pool, report)
    except Mismatch as error:
        partial.restart()
        raise UserError(f"{remote.locator}: what arrived is damaged: {error}; run again") from error


def _fetch(
    source: Source, remote: RemoteFile, partial: PartialFile, pool: Executor, report: Report
) -> str:
    if remote.bytes is None:
        return _fetch_whole(source, remote, partial, report)
    try:
        return _fetch_parts(source, remote, partial, pool, report)
    except NoRangeSupport:
        partial.restart()
        return _fetch_whole(source, remote, partial, report)


def _fetch_parts(
    source: Source, remote: RemoteFile, partial: PartialFile, pool: Executor, report: Report
) -> str:
    spans = partial.spans()
    if len(spans) < 2:
        return _fetch_single_part(source, remote, partial, spans, report)
    futures = {
        index: pool.submit(_fetch_part, source, remote, partial, index, span, report)
        for index, span in enumerate(spans)
        if index not in partial.done
    }
    checks = FileChecks(remote)
    try:
        with ThreadPoolExecutor() as aside:
            for index, (start, stop) in enumerate(spans):
                if index in futures:
                    futures[index].result()
                else:
                    report(stop - start)
                checks.update_from_disk(partial, start, stop, aside)
    finally:
        _cancel_all(futures.values())
    return checks.verified_sha256()


def _fetch_single_part(
    source: Source,
    remote: RemoteFile,
    partial: PartialFile,
    spans: list[tuple[int, int]],
    report: Report,
) -> str:
    """Fetch an empty file, or one of a single part, in this thread: another would cost more."""
    checks = FileChecks(remote)
    for start, stop in spans:
        _fetch_part(source, remote, partial, 0, (start, stop), report)
        checks.update(os.pread(partial.fd, stop, start))
    return checks.verified_sha256()


def _cancel_all(futures: Iterable[Future[None]]) -> None:
    """Cancel the jobs that have not begun and wait for the others: nothing writes afterwards."""
    for future in futures:
        future.cancel()
    for future in futures:
        if not future.cancelled():
            future.exception()


def _fetch_part(
    source: Source,
    remote: RemoteFile,
    partial: PartialFile,
    index: int,
    span: tuple[int, int],
    report: Report,
) -> None:
    """Fetch one part, after a cut only its rest, and mark it as complete."""
    at, stop = span
    tries = 0
    while at < stop:
        before = at
        try:
            for chunk in source.read(remote, at, stop):
                if at + len(chunk) > stop:
                    raise UserError(f"{remote.locator}: more bytes came than announced; run again")
                partial.write(chunk, at)
                at += len(chunk)
                report(len(chunk))
            if at < stop:
                raise Interrupted(f"{remote.locator}: fewer bytes came than announced")
        except Interrupted as cut:
            tries = 1 if at - before >= PROGRESS_BYTES else tries + 1
            wait_after(cut, tries, RESUME_HINT)
    partial.mark(index)


def wait_after(cut: Interrupted, tries: int, kept: str = "") -> None:
    """Sleep before try number ``tries``, or give up with the reason of the last cut."""
    if tries >= MAX_TRIES:
        raise UserError(f"{cut}, {tries} times in a row; run again{kept}") from cut
    time.sleep(FIRST_WAIT_SECONDS * 2 ** (tries - 1))


def _fetch_whole(source: Source, remote: RemoteFile, partial: PartialFile, report: Report) -> str:
    """Fetch a file from a server without ranges: after a cut it starts again."""
    for tries in range(1, MAX_TRIES + 1):
        checks, at = FileChecks(remote), 0
        try:
            for chunk in source.read(remote, 0, None):
                partial.write(chunk, at)
                checks.update(chunk)
                at += len(chunk)
                report(len(chunk))
            if at != (at if remote.bytes is None else remote.bytes):
                raise Interrupted(f"{remote.locator}: another number of bytes came than announced")
            os.ftruncate(partial.fd, at)
            return checks.verified_sha256()
        except Interrupted as cut:
            report(-at)
            wait_after(cut, tries, RESUME_HINT)
    raise AssertionError("unreachable")
