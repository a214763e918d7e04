"""Snapshots of the model hub, from its cache where the machine is offline."""

from pathlib import Path

from slmrag.errors import UserError


def snapshot(repo: str, revision: str | None, patterns: list[str]) -> tuple[Path, str]:
    """Return the local folder of a repository's files and the commit that they are of."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        path = Path(snapshot_download(repo, revision=revision, allow_patterns=patterns))
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"hf:{repo}: the hub cannot be reached and the cache has no copy of revision "
            f"{revision or 'main'}; check it, fetch it on a machine with internet into $HF_HOME, "
            "or name an s3:// prefix or a folder"
        ) from error
    except (HfHubHTTPError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"hf:{repo}, revision {revision or 'main'}: {type(error).__name__}: {reason}; "
            "check name, revision and $HF_TOKEN"
        ) from error
    return path, path.name
