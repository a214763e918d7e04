"""Downloads whose source has changed since: reported, never downloaded again unasked."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from slmrag.config.hub_names import is_commit
from slmrag.dag.resource_keys import Download
from slmrag.errors import UserError
from slmrag.files import ChooseFiles, ReadFile, read_json
from slmrag.models.checkpoint_download import checkpoint_prefix
from slmrag.models.checkpoint_files import counted_files, engine_files
from slmrag.storage.download import list_wanted
from slmrag.storage.schemes import open_source
from slmrag.storage.source import Interrupted


def describe_changes(fetched: Iterable[Download], storage: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for each download whose source has changed, or cannot be checked."""
    for one in fetched:
        if not Path(one.manifest).is_file():
            continue
        where = f"{one.what} ({one.source.uri})"
        try:
            reach = storage if one.storage is None else dict(one.storage)
            difference = _difference(one, read_json(one.manifest), reach)
        except (UserError, Interrupted) as error:
            yield f"{where} could not be checked, the earlier download is kept: {error}"
        except ModuleNotFoundError as error:
            reason = f"install {error.name}"
            yield f"{where} could not be checked, the earlier download is kept: {reason}"
        else:
            again = f"to fetch it again: snakemake --forcerun {one.manifest}"
            yield from [f"{where} {difference}; {again}"] if difference else []


def _difference(one: Download, manifest: Mapping[str, Any], storage: dict[str, Any]) -> str | None:
    """Return how a source has changed, or None; raises as downloads do."""
    if one.source.uri.startswith("hf:"):
        return _hub_difference(one, manifest)
    uri = checkpoint_prefix(one.source.uri) if one.source.checkpoint else one.source.uri
    source = open_source(uri, storage)
    files = list_wanted(source, _choose_counted(one) if one.source.checkpoint else None)
    now = {remote.name: vars(source.describe(remote)) for remote in files}
    then = _counted_in_manifest(one, manifest)
    if now.keys() != then.keys():
        return f"has other files now: {', '.join(sorted(now.keys() ^ then.keys()))}"
    news = [name for name, remote in now.items() if _differs(remote, then[name])]
    return f"has changed since it was fetched: {', '.join(news)}" if news else None


def _choose_counted(one: Download) -> ChooseFiles:
    """Return the function that chooses the files of a checkpoint that can change an answer."""
    return lambda names, read: counted_files(names, one.source.allow_pickle, read)


def _counted_in_manifest(
    one: Download, manifest: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    """Return the files of a manifest by name; of a checkpoint those that can change an answer."""
    files = {file["name"]: file for file in manifest["files"]}
    if not one.source.checkpoint:
        return files
    return {name: files[name] for name in engine_files(files)}


def _differs(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Tell whether a file has changed: by ETag if there is one, else by date and size.

    The size is that of the bytes sent; it counts if the server tells it.
    """
    if now["etag"] or then["etag"]:
        return (now["etag"], now["version_id"]) != (then["etag"], then["version_id"])
    size = then.get("sent", then)["bytes"]
    return now["last_modified"] != then["last_modified"] or now["bytes"] not in (None, size)


def _hub_difference(one: Download, manifest: Mapping[str, Any]) -> str | None:
    """Return how a branch differs from the commit that was downloaded; None for the same."""
    then = _commit(manifest)
    if is_commit(one.revision):
        return None
    from slmrag.storage.hub import current_commit

    commit, files = current_commit(one.source.uri.removeprefix("hf:"), one.revision)
    if commit == then:
        return None
    news = _changed_names(one, manifest, files)
    moved = f"is at commit {commit[:12]} now and was at {then[:12]} when it was fetched"
    return f"{moved}: {', '.join(news)} changed" if news else None


def _commit(manifest: Mapping[str, Any]) -> str:
    """Return the commit that was downloaded: a checkpoint's revision or a file's version."""
    return manifest.get("revision") or manifest["files"][0]["version_id"] or ""


def _changed_names(
    one: Download, manifest: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the names of the files that count and differ between a manifest and the hub."""
    folder, then = Path(one.manifest).with_suffix(""), _counted_in_manifest(one, manifest)
    try:
        now = (
            {*files}
            if not one.source.checkpoint
            else _choose_counted(one)([*files], _reader(folder))
        )
    except (UserError, OSError):  # an index that was not there, or other weights than it names
        return ["its weights"]
    same = {
        name for name in now & then.keys() if _is_same_file(then[name], files[name], folder / name)
    }
    return sorted((now | then.keys()) - same)


def _reader(folder: Path) -> ReadFile:
    return lambda name: (folder / name).read_bytes()


def _is_same_file(then: Mapping[str, Any], now: Mapping[str, Any], file: Path) -> bool:
    """Tell whether a file is the hub's by SHA-256, or by the digest that git gives small ones."""
    if now["sha256"]:
        return bool(now["sha256"] == then["sha256"])
    content = file.read_bytes() if file.is_file() else b""
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return bool(blob.hexdigest() == now["blob_id"])
