"""Snapshots of the model hub, from its cache where the machine is offline."""

import glob
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slmrag.checkpoint_files import DESCRIPTIONS, Read
from slmrag.errors import UserError

Choose = Callable[[list[str], Read], set[str]]


def snapshot(repo: str, revision: str | None, choose: Choose) -> tuple[Path, str, set[str]]:
    """Return the local folder of a repository, its commit, and the names of the chosen files.

    What describes the model comes first: with it ``choose`` tells the model's weights from others.
    """
    path = _download(repo, revision, list(DESCRIPTIONS))
    commit = path.name
    names = _names(repo, commit) or _below(path)
    chosen = choose(names, lambda name: (path / name).read_bytes())
    _download(repo, commit, [glob.escape(name) for name in sorted(chosen)])
    return path, commit, chosen


def _download(repo: str, revision: str | None, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=patterns))
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"hf:{repo}: the hub cannot be reached and the cache has no copy of revision "
            f"{revision or 'main'}; check it, fetch it on a machine with internet into $HF_HOME, "
            "or name an s3:// prefix or a folder"
        ) from error
    except (HfHubHTTPError, ValueError) as error:
        raise UserError(_refused(repo, revision, error)) from error


def _refused(repo: str, revision: str | None, error: Exception) -> str:
    reason = " ".join(str(error).split())[:200]
    return (
        f"hf:{repo}, revision {revision or 'main'}: {type(error).__name__}: {reason}; "
        "check name, revision and $HF_TOKEN"
    )


def _names(repo: str, commit: str) -> list[str]:
    """Return the names of a repository's files; none where the hub does not answer."""
    from huggingface_hub import HfApi

    try:
        return HfApi().list_repo_files(repo, revision=commit)
    except Exception:  # the library's errors have no class in common; the cache may have all
        return []


def _below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def now(repo: str, revision: str | None) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """Return the commit that a revision is at, and what tells the content of each file by its name.

    That is ``sha256`` of large files and ``blob_id``, git's digest, of others. UserError where the
    hub cannot be asked.
    """
    from huggingface_hub import HfApi

    try:
        found = HfApi().model_info(repo, revision=revision, files_metadata=True)
    except Exception as error:  # the library's errors have no class in common
        raise UserError(_refused(repo, revision, error)) from error
    files = {
        file.rfilename: {"sha256": file.lfs and file.lfs.sha256, "blob_id": file.blob_id}
        for file in found.siblings or []
    }
    return found.sha or "", files
