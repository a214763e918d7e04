"""Files of the model hub, as a source; offline they come from the cache."""

import glob
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from slmrag.config.hub_names import HUB_SCHEME, HubName, hub_name, is_commit
from slmrag.errors import UserError
from slmrag.files import ChooseFiles
from slmrag.storage.hub_client import (
    cached_file_names,
    commit_contents,
    commit_folder,
    copy_to_cache,
    repository_address,
)
from slmrag.storage.local import Local, as_remote, files_of
from slmrag.storage.source import RemoteFile

log = logging.getLogger(__name__)


class Hub(Local):
    """A file, a folder, the files of a pattern or a whole repository.

    The hub's client copies them into its cache, which is read like any local folder.
    """

    def files(self) -> list[RemoteFile]:
        """Return the files of the address; their version is the repository's commit."""
        named = hub_name(self.uri)
        folder, names = fetch_to_cache(named)
        warn_if_unpinned(named, folder.name)
        found = {name: files_of(str(folder / path)).values() for name, path in names.items()}
        if lacking := sorted(name for name, files in found.items() if not files):
            raise UserError(
                f"{self.uri}: the cache has lost its copy of {lacking[0]}; delete {folder}, "
                "run again"
            )
        return [
            replace(as_remote(name, file), version_id=folder.name)
            for name, (file,) in sorted(found.items(), key=lambda one: one[0].split("/"))
        ]


def warn_if_unpinned(named: HubName, commit: str) -> None:
    """Warn if the revision is a branch or a tag, and name its current commit."""
    if not is_commit(named.revision):
        log.warning(
            "%s: %s is not a commit and may change; now it is commit %s; to pin it, write %s",
            named.uri,
            named.revision or "its main branch",
            commit[:12],
            named._replace(revision=commit).uri,
        )


def fetch_to_cache(named: HubName) -> tuple[Path, dict[str, str]]:
    """Copy the files of an address; return the commit's folder in the cache, and their paths in it.

    The folder's name is the commit. UserError if there is no such file, or perhaps not every file.
    """
    folder = commit_folder(named)
    at = named._replace(revision=folder.name)
    if (all_names := cached_file_names(at)) is None:
        return folder, _single_cached_file(at, folder)
    if not (names := at.matching_files(all_names)):
        raise UserError(
            f"{repository_address(named)}: the repository holds no {named.path} at commit "
            f"{folder.name[:12]}; check the path"
        )
    copy_to_cache(at, _patterns(at.path, all_names, {*names.values()}))
    return folder, names


def _single_cached_file(named: HubName, folder: Path) -> dict[str, str]:
    """Return a single file from a cache without a list of the commit's files; else UserError."""
    if (folder / named.path).is_file():
        return {named.path.rpartition("/")[2]: named.path}
    raise UserError(
        f"{repository_address(named)}: the hub cannot be reached, and the cache does not say which "
        f"files commit {folder.name[:12]} has: some may be missing; fetch it on a machine with "
        "internet"
    )


def _patterns(path: str, names: list[str], wanted: set[str]) -> list[str]:
    """Return the client's patterns of the wanted files: one for all, or one for each.

    Its ``*`` matches slashes too, and it compares each file with each pattern.
    """
    wide = "*".join(map(glob.escape, path.replace("**/", "*").split("*")))
    few = [wide, f"{wide}/*"] if path else ["*"]
    meant = {name for name in names if any(fnmatchcase(name, one) for one in few)}
    return few if meant == wanted else [glob.escape(name) for name in sorted(wanted)]


def snapshot(
    repo: str, revision: str | None, described: Sequence[str], choose: ChooseFiles
) -> tuple[Path, str, set[str]]:
    """Return the local folder of a checkpoint, its commit, and the names of the chosen files.

    ``repo`` is its address without ``hf:``. The files of the patterns ``described`` are copied
    first: ``choose`` needs them to tell the model's weights from others.
    """
    named = _at_revision(repo, revision)
    whole = copy_to_cache(named, [*described])
    warn_if_unpinned(named, whole.name)
    at, path = named._replace(revision=whole.name), whole / named.path
    names = at.matching_files(cached_file_names(at) or _files_below(whole))
    chosen = choose(list(names), lambda name: (path / name).read_bytes())
    copy_to_cache(at, [glob.escape(names[name]) for name in sorted(chosen)])
    return path, whole.name, chosen


def current_commit(repo: str, revision: str | None) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """Return the commit of a revision, and the digests of its files."""
    return commit_contents(_at_revision(repo, revision))


def _at_revision(repo: str, revision: str | None) -> HubName:
    """Return the repository of an address without scheme, at the revision of the entry's key."""
    named = hub_name(HUB_SCHEME + repo)
    return named._replace(revision=revision or named.revision)


def _files_below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
