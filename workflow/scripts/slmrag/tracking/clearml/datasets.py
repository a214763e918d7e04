"""Prepared data sets and corpora as ClearML datasets, once per content, as the SDK reads them.

They are made by plain requests: the SDK's own class starts threads that no deadline ends. The form
is that of ``clearml/datasets/dataset.py`` (2.1.12): a task with the system tag ``dataset`` in a
hidden project, its version in ``runtime``, and the artifacts ``state`` and ``data``.
"""

import json
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking.clearml.names import server_name
from slmrag.tracking.clearml.requests import FINISHED
from slmrag.tracking.clearml.store import file_url, upload_file
from slmrag.tracking.scored_questions import scored_questions

FILES = {("prepare_dataset", "questions"): "dataset", ("prepare_corpus", "passages"): "corpus"}
"""(rule, output) that is a dataset, and the wildcard that names it."""
WANTED = "datasets"
"""The value of ``tracking.datasets`` with which datasets are made."""
FOLDER = ".datasets"
TAG = "dataset"
PARAMETERS = "Datasets"
"""The section in which the SDK notes the datasets of a task."""


def register(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Make the dataset of a prepared file, if it is wanted and there is none of this content."""
    kind = FILES.get((start["rule"], event["name"]))
    if tracker.settings.datasets != WANTED or kind is None or not event.get("sha256"):
        return
    name = start["wildcards"][kind]
    project = hidden_project(tracker, name)
    found = find(tracker, project, event["sha256"]) or create(tracker, project, task, name, event)
    if found["status"] not in FINISHED:
        fill(tracker, project, found["id"], name, event)
    name_in_task(tracker, task, name, found["id"])


def hidden_project(tracker: Any, name: str) -> str:
    """Return the id of a dataset's project; those of all datasets are hidden below one."""
    folder = f"{tracker.settings.project}/{FOLDER}"
    tracker.project(folder, system_tags=["hidden"])
    return tracker.project(f"{folder}/{server_name(name)}", system_tags=["hidden", TAG])


def find(tracker: Any, project: str, digest: str) -> dict[str, Any] | None:
    """Return the oldest dataset of this content, finished ones first; None if there is none."""
    same = [one for one in versions(tracker, project) if digest in (one.get("comment") or "")]
    same.sort(key=lambda one: (one["status"] not in FINISHED, str(one["created"]), one["id"]))
    return same[0] if same else None


def versions(tracker: Any, project: str) -> list[dict[str, Any]]:
    """Return the datasets of a project, the newest 500."""
    from clearml.backend_api.services import tasks

    request = tasks.GetAllRequest(
        project=[project],
        system_tags=[TAG],
        only_fields=["id", "comment", "status", "created", "runtime"],
        order_by=["-created"],
        search_hidden=True,
    )
    return tracker.data(request)["tasks"]


def create(tracker: Any, project: str, task: str, name: str, event: Event) -> dict[str, Any]:
    """Create a dataset without content; of several of one content, the oldest stays."""
    from clearml.backend_api.services import tasks

    numbers = [0] + [version_number(one) + 1 for one in versions(tracker, project)]
    size = event.get("bytes") or 0
    runtime = {
        "version": f"1.0.{max(numbers)}",
        "ds_file_count": 1,
        "ds_link_count": 0,
        "ds_total_size": size,
        "ds_total_size_compressed": size,
        "ds_change_add": 1,
        "ds_change_remove": 0,
        "ds_change_modify": 0,
        "ds_change_size": size,
    }
    request = tasks.CreateRequest(
        name=server_name(name),
        project=project,
        type="data_processing",
        system_tags=[TAG],
        parent=task,
        comment=f"{event['path']}, digest {event['sha256']}",
        runtime=runtime,
        _allow_extra_fields_=True,
    )
    made = tracker.call(request).id
    oldest = find(tracker, project, event["sha256"]) or {"id": made, "status": "created"}
    if oldest["id"] != made:
        tracker.call(tasks.DeleteRequest(task=made, force=True, delete_external_artifacts=False))
    return oldest


def version_number(found: dict[str, Any]) -> int:
    """Return the last number of a dataset's version, 0 if it has no such version."""
    with suppress(ValueError):
        return int(str((found.get("runtime") or {}).get("version")).rpartition(".")[2])
    return 0


def fill(tracker: Any, project: str, dataset: str, name: str, event: Event) -> None:
    """Upload a dataset's file and state, and finish it; one that was cut off is filled again."""
    from clearml.backend_api.services import tasks

    path = Path(event["path"]).resolve()
    base = tracker.settings.output_uri or tracker.session.get_files_server_host()
    place = file_url(base, tracker.settings.project, FOLDER, name, f"{name}.{dataset}")
    tracker.call(tasks.StartedRequest(task=dataset, force=True))
    linked = path.stat().st_size > tracker.settings.upload_mb * 2**20
    entries = [] if linked else [data_artifact(path, place, dataset)]
    entries.append(state_artifact(state_of(path, dataset, event, linked), place))
    tracker.call(tasks.AddOrUpdateArtifactsRequest(task=dataset, artifacts=entries, force=True))
    tracker.call(tasks.CompletedRequest(task=dataset, force=True))


def data_artifact(path: Path, place: str, dataset: str) -> dict[str, Any]:
    """Upload a file as the archive that the SDK expects, and return its artifact."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, f"dataset.{dataset}.zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
            packed.write(path, path.name)
        uri = upload_file(str(archive), f"{place}/artifacts/data/{archive.name}")
        return artifact("data", "archive", uri, archive.stat().st_size, path.name)


def state_artifact(state: dict[str, Any], place: str) -> dict[str, Any]:
    """Upload the list of a dataset's files, and return its artifact."""
    text = json.dumps(state)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "state.json")
        file.write_text(text)
        uri = upload_file(str(file), f"{place}/artifacts/state/state.json")
    preview = f"Dataset state\nFiles added/modified: 1 - total size {state['total_size']} B\n"
    return artifact("state", "dict", uri, len(text), preview)


def artifact(key: str, kind: str, uri: str, size: int, preview: str) -> dict[str, Any]:
    """Return an artifact of a dataset."""
    about = {"preview": preview, "content_type": "application/json" if key == "state" else ""}
    entry = {"key": key, "type": kind, "mode": "output", "uri": uri, "content_size": size}
    return entry | {"type_data": about, "display_data": [["files added", "1"]]}


def state_of(path: Path, dataset: str, event: Event, linked: bool) -> dict[str, Any]:
    """Return the state of a dataset with one file, packed or by reference."""
    entry = {
        "relative_path": path.name,
        "hash": event["sha256"],
        "parent_dataset_id": dataset,
        "size": event.get("bytes"),
    }
    return {
        "file_count": 1,
        "total_size": event.get("bytes"),
        "dataset_file_entries": [] if linked else [entry | {"artifact_name": "data"}],
        "dataset_link_entries": [entry | {"link": path.as_uri()}] if linked else [],
        "dependency_graph": {dataset: []},
        "id": dataset,
        "dirty": False,
    }


def name_in_task(tracker: Any, task: str, name: str, dataset: str) -> None:
    """Note a dataset among a task's parameters, as the SDK does."""
    known = tracker.task(task).get("hyperparams") or {}
    entry = {"section": PARAMETERS, "name": name, "value": dataset, "type": "str"}
    section = (known.get(PARAMETERS) or {}) | {name: entry}
    tracker.edit(task, hyperparams=known | {PARAMETERS: section})


def name_used(tracker: Any, task: str, inputs: list[dict[str, Any]]) -> None:
    """Note the datasets that a job used, if there are such of the same content."""
    if tracker.settings.datasets != WANTED:
        return
    for one in inputs:
        name, digest = one["details"]["dataset"], one["details"]["sha256"]
        if found := find(tracker, hidden_project(tracker, name), digest):
            name_in_task(tracker, task, name, found["id"])


def inputs_of_summary(event: Event) -> list[dict[str, Any]]:
    """Return the data set that scores are of, as an input: the digest names the prepared file."""
    facts = scored_questions(event)
    if facts is None:
        return []
    name, digest = facts["name"], facts["sha256"]
    about = {"time": event["time"], "sha256": digest}
    details = {"dataset": name, "sha256": digest}
    return [{"name": f"questions_{name}", "uri": None, "event": about, "details": details}]
