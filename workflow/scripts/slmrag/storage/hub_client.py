"""The hub's client: a commit's files in its cache, their names and their digests."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrag.config.hub_names import HUB_SCHEME, HubName
from slmrag.errors import UserError


def copy_to_cache(named: HubName, patterns: list[str]) -> Path:
    """Copy the files that match the patterns into the cache; return the folder of the commit.

    The patterns are those of fnmatch; the folder's name is the commit. UserError if it fails.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

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
            f"{repository_address(named)}: the hub cannot be reached and the cache has no copy of "
            f"revision {named.revision or 'main'}; check it, fetch it on a machine with internet "
            "into $HF_HOME, or name an s3:// prefix or a folder"
        ) from error
    except Exception as error:  # the library's errors have no class in common
        raise UserError(_refusal(named, error)) from error


def commit_folder(named: HubName) -> Path:
    """Return the folder of the commit in the cache, without copying a file."""
    client = logging.getLogger("huggingface_hub._snapshot_download")
    client.disabled = True  # it would warn that no file matches
    try:
        return copy_to_cache(named, [])
    finally:
        client.disabled = False


def cached_file_names(named: HubName) -> list[str] | None:
    """Return the names of a commit's files from the cache; None if it has no list."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        tree = get_cached_repo_tree(named.repo, repo_type=named.kind, revision=named.revision)
    except CachedRepoTreeNotFoundError:
        return None
    return sorted(file.path for file in tree)


def commit_contents(named: HubName) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """Return the commit of a revision, and the digests of the files below the address's path.

    They are ``sha256`` for large files and ``blob_id``, git's digest, for others. UserError if the
    hub cannot be reached.
    """
    from huggingface_hub import HfApi

    try:
        found = HfApi().repo_info(
            named.repo, repo_type=named.kind, revision=named.revision, files_metadata=True
        )
    except Exception as error:  # the library's errors have no class in common
        raise UserError(_refusal(named, error)) from error
    files = {
        file.rfilename: {"sha256": file.lfs and file.lfs.sha256, "blob_id": file.blob_id}
        for file in getattr(found, "siblings", None) or []
    }
    names = named.matching_files(list(files))
    return found.sha or "", {short: files[name] for short, name in names.items()}


def repository_address(named: HubName) -> str:
    """Return the address of a repository."""
    return f"{HUB_SCHEME}{named.page}"


def _refusal(named: HubName, error: Exception) -> str:
    """Return why the hub refuses; for a gated model also where to accept its terms."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError

    if isinstance(error, GatedRepoError):
        return (
            f"{repository_address(named)} is gated: log in and accept its terms at "
            f"{constants.ENDPOINT}/{named.page}, then set $HF_TOKEN to a token of that account"
        )
    reason = " ".join(str(error).split())[:200]
    return (
        f"{repository_address(named)}, revision {named.revision or 'main'}: "
        f"{type(error).__name__}: {reason}; check name, revision and $HF_TOKEN"
    )
