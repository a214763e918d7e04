"""Events about a job's results, its files, and the model that it used."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from slmrag.files import read_json
from slmrag.job import events
from slmrag.job.job_info import Job, cells_of_job


def report_outputs(job: Job, results: Mapping[str, Any]) -> None:
    """Report the results that ``main`` returned, except None, and every declared output."""
    known = {
        name: events.plain_value(value) for name, value in results.items() if value is not None
    }
    for name, value in known.items():
        events.single(name, value)
    for name, files in job.outputs.items():
        for part, path in zip(file_labels(job, files), files, strict=True):
            about = {**job.wildcards, **part, **numbers_of_file(known, part, len(files) == 1)}
            label = "_".join(part.values())
            events.artifact(
                f"{name}/{label}" if label else name, path, known_digest(job, path), **about
            )


def known_digest(job: Job, path: str) -> str | None:
    """Return a folder's digest from its manifest, so that its files are not read again."""
    manifest = f"{path}.json"
    if manifest in job.outputs.get("manifest", []) and Path(path).is_dir():
        with suppress(OSError, ValueError):
            return read_json(manifest).get("digest")
    return None


def numbers_of_file(
    results: Mapping[str, Any], part: Mapping[str, str], alone: bool
) -> dict[str, float]:
    """Return the results about one file: those named after its cell, or all if it is ``alone``."""
    cell = "".join(f"/{part[name]}" for name in ("dataset", "mode") if name in part)
    return {
        name.removesuffix(cell): value
        for name, value in results.items()
        if isinstance(value, int | float) and (alone or (cell and name.endswith(cell)))
    }


def file_labels(job: Job, files: list[str]) -> list[dict[str, str]]:
    """Return labels that distinguish the files of one output: their cells, or their numbers."""
    cells = list(cells_of_job(job.params))
    if len(cells) == len(files):
        return [{key: value for key, value in cell.items() if key != "model"} for cell in cells]
    if len(files) == 1:
        return [{}]
    return [{"file": str(number)} for number in range(len(files))]


def model_facts(job: Job) -> dict[str, Any] | None:
    """Return name, address and digest of the model or encoder that a job uses, if it does."""
    named = {"model": ("manifest", "model"), "retriever": ("encoder_manifest", "entry")}
    for wildcard, (source, param) in named.items():
        entry = job.params.get(param)
        is_used = wildcard == "model" or job.inputs.get(source)
        if wildcard in job.wildcards and isinstance(entry, Mapping) and is_used:
            return facts_of_entry(job.wildcards[wildcard], entry, job.inputs.get(source) or [])
    return None


def facts_of_entry(name: str, entry: Mapping[str, Any], manifests: list[str]) -> dict[str, Any]:
    """Return what a model's manifest, or else its config entry, says of it."""
    manifest = {}
    with suppress(OSError, ValueError, IndexError):
        manifest = read_json(manifests[0])
    place = entry.get("checkpoint") or entry.get("encoder") or f"engine:{entry.get('engine')}"
    return {
        "name": name,
        "uri": str(manifest.get("uri") or place),
        "revision": manifest.get("revision") or entry.get("revision"),
        "digest": manifest.get("digest"),
        "entry": dict(entry),
    }
