"""Objects that changed at their source since they were fetched: told, never taken unasked."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.files import read_json
from slmrag.folder_names import entry_name
from slmrag.storage.base import Interrupted
from slmrag.storage.fetch import open_source

RAW = Path("resources/raw")


def changed(
    objects: Mapping[str, Mapping[str, Any]], storage: dict[str, Any], raw: Path = RAW
) -> Iterator[str]:
    """Yield a sentence for each fetched object whose source differs, or cannot be asked.

    ``objects`` holds entries by the names of their folders.
    """
    for folder, entry in objects.items():
        manifest = raw / f"{folder}.json"
        if manifest.is_file():
            where = f"object '{entry_name(folder)}' ({entry['uri']})"
            try:
                difference = _difference(read_json(manifest), entry["uri"], storage)
            except (UserError, Interrupted) as error:
                yield f"{where} could not be checked, what was fetched stays: {error}"
                continue
            if difference:
                yield f"{where} {difference}; to fetch it again: snakemake --forcerun {manifest}"


def _difference(manifest: Mapping[str, Any], uri: str, storage: dict[str, Any]) -> str | None:
    """Return what has become of an object, or None where it is the same; raises as downloads do."""
    source = open_source(uri, storage)
    now = {remote.name: source.describe(remote) for remote in source.files()}
    then = {file["name"]: file for file in manifest["files"]}
    if now.keys() != then.keys():
        return f"has other files now: {', '.join(sorted(now.keys() ^ then.keys()))}"
    news = [name for name, remote in now.items() if _version(vars(remote)) != _version(then[name])]
    return f"has changed since it was fetched: {', '.join(news)}" if news else None


def _version(file: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells two contents apart: the ETag where there is one, else date and size."""
    if file["etag"]:
        return file["etag"], file["version_id"]
    return file["bytes"], file["last_modified"]
