"""What lies on the model hub, from its cache where the machine is offline."""

import glob
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from slmrag.checkpoint_files import DESCRIPTIONS, Read
from slmrag.errors import UserError
from slmrag.hub_names import SCHEME, HubName, hub_name
from slmrag.storage.base import Remote
from slmrag.storage.local import Local

log = logging.getLogger(__name__)

Choose = Callable[[list[str], Read], set[str]]


class Hub(Local):
    """A file, a folder or all files of a repository, by the copy that the hub's client makes."""

    def files(self) -> list[Remote]:
        """Return the files that the address names; their version is the repository's commit."""
        named = hub_name(self.uri)
        if named.revision is None:
            log.warning("%s has no @revision: what it is today may change tomorrow", self.uri)
        self.path, commit = fetched(named)
        return [replace(remote, version_id=commit) for remote in super().files()]


def fetched(named: HubName) -> tuple[Path, str]:
    """Return where the cache holds what is named, and the commit; UserError where it is nothing."""
    path = glob.escape(named.path)
    folder = _download(named, [path, f"{path}/*"] if path else ["*"])
    place = folder / named.path
    if not place.exists():
        raise UserError(
            f"{_shown(named)}: the repository holds no {named.path} at commit {folder.name[:12]}; "
            "check the path"
        )
    return place, folder.name


def snapshot(repo: str, revision: str | None, choose: Choose) -> tuple[Path, str, set[str]]:
    """Return the local folder of a checkpoint, its commit, and the names of the chosen files.

    ``repo`` is its address without ``hf:``. What describes the model comes first: with it
    ``choose`` tells the model's weights from others.
    """
    named = _at(repo, revision)
    whole = _download(named, list(DESCRIPTIONS))
    at, path = named._replace(revision=whole.name), whole / named.path
    names = at.below(_names(at) or _below(whole))
    chosen = choose(list(names), lambda name: (path / name).read_bytes())
    _download(at, [glob.escape(names[name]) for name in sorted(chosen)])
    return path, whole.name, chosen


def _at(repo: str, revision: str | None) -> HubName:
    """Return what an address without its scheme names, at the revision of an entry's own key."""
    named = hub_name(SCHEME + repo)
    return named._replace(revision=revision or named.revision)


def _download(named: HubName, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                named.repo,
                repo_type=named.kind,
                revision=named.revision,
                allow_patterns=patterns,
            )
        )
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"{_shown(named)}: the hub cannot be reached and the cache has no copy of revision "
            f"{named.revision or 'main'}; check it, fetch it on a machine with internet into "
            "$HF_HOME, or name an s3:// prefix or a folder"
        ) from error
    except (HfHubHTTPError, ValueError) as error:
        raise UserError(_refused(named, error)) from error


def _shown(named: HubName) -> str:
    return f"{SCHEME}{named.page}"


def _refused(named: HubName, error: Exception) -> str:
    """Return why the hub refuses, and where terms are to be accepted if it is for that."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError

    if isinstance(error, GatedRepoError):
        return (
            f"{_shown(named)} is gated: log in and accept its terms at "
            f"{constants.ENDPOINT}/{named.page}, then set $HF_TOKEN to a token of that account"
        )
    reason = " ".join(str(error).split())[:200]
    return (
        f"{_shown(named)}, revision {named.revision or 'main'}: {type(error).__name__}: {reason}; "
        "check name, revision and $HF_TOKEN"
    )


def _names(named: HubName) -> list[str]:
    """Return the names of a repository's files; none where the hub does not answer."""
    from huggingface_hub import HfApi

    try:
        return HfApi().list_repo_files(named.repo, repo_type=named.kind, revision=named.revision)
    except Exception:  # the library's errors have no class in common; the cache may have all
        return []


def _below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def now(repo: str, revision: str | None) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """Return the commit that a revision is at, and what tells the content of each file by its name.

    That is ``sha256`` of large files and ``blob_id``, git's digest, of others; the files are those
    below the address's path. UserError where the hub cannot be asked.
    """
    from huggingface_hub import HfApi

    named = _at(repo, revision)
    try:
        found = HfApi().repo_info(
            named.repo, repo_type=named.kind, revision=named.revision, files_metadata=True
        )
    except Exception as error:  # the library's errors have no class in common
        raise UserError(_refused(named, error)) from error
    files = {
        file.rfilename: {"sha256": file.lfs and file.lfs.sha256, "blob_id": file.blob_id}
        for file in found.siblings or []
    }
    names = named.below(list(files))
    return found.sha or "", {short: files[name] for short, name in names.items()}
