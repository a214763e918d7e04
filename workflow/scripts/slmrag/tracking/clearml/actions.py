"""Requests to ClearML for files, alerts, notes and a task's end."""

import json
from pathlib import Path
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming
from slmrag.tracking.clearml import datasets, models
from slmrag.tracking.clearml.names import project_path
from slmrag.tracking.clearml.store import file_url, upload_file

REASON_CHARACTERS = 700
MESSAGE_CHARACTERS = 4000
"""Characters of a task's reason and of its longer message; the log is an artifact."""
MORE_CHARACTERS = 40


def artifact(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Upload a file, or link to it if it is large or a folder; it is registered with others."""
    name = naming.artifact_name(start["rule"], event["name"])
    uri = upload(tracker, task, start, name, event)
    details = {"path": event["path"], **(event.get("metadata") or {})}
    entries = tracker.sent_files.setdefault(task, [])
    entries.append(artifact_entry(name, uri, event, details))
    if (start["rule"], event["name"]) in models.CHECKPOINTS:
        models.register_output(tracker, task, start, event)
    inputs = datasets.inputs_of_summary(event)
    entries += [artifact_entry(**one, mode="input") for one in inputs]
    datasets.name_used(tracker, task, inputs)
    datasets.register(tracker, task, start, event)


def artifact_entry(
    name: str, uri: str | None, event: Event, details: Event, mode: str = "output"
) -> dict[str, Any]:
    """Return an artifact as the server's API has it."""
    entry = {
        "key": name,
        "type": "custom",
        "mode": mode,
        "uri": uri,
        "content_size": event.get("bytes"),
        "hash": event.get("sha256"),
        "timestamp": int(event["time"]),
        "type_data": {"preview": json.dumps(details, indent=1)},
        "display_data": [[str(key), str(value)] for key, value in details.items()],
    }
    return {key: value for key, value in entry.items() if value is not None}


def add_artifacts(tracker: Any, task: str, entries: list[dict[str, Any]]) -> None:
    """Add artifacts to a task, replacing those of the same key and mode."""
    from clearml.backend_api.services import tasks

    def whole(found: dict[str, Any]) -> dict[str, Any]:
        known = (found.get("execution") or {}).get("artifacts") or []
        keys = [(one["key"], one.get("mode")) for one in entries]
        kept = [one for one in known if (one["key"], one.get("mode")) not in keys]
        return {"execution": {"artifacts": kept + entries}}

    if entries:
        request = tasks.AddOrUpdateArtifactsRequest(task=task, artifacts=entries, force=True)
        tracker.add(task, request, whole)


def upload(tracker: Any, task: str, start: Event, name: str, event: Event) -> str:
    """Return the address of an artifact's content, uploaded if it is a small file."""
    path = Path(event["path"]).resolve()
    if not path.is_file() or path.stat().st_size > tracker.settings.upload_mb * 2**20:
        return path.as_uri()
    base = tracker.settings.output_uri or tracker.session.get_files_server_host()
    project = project_path(naming.project_name(tracker.settings.project, start))
    folder = f"{project}/{naming.task_name(start).replace('/', '.')}.{task}"
    return upload_file(str(path), file_url(base, folder, "artifacts", name, path.name))


def alert(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Tag the task with an alert, once for each name."""
    tag = f"alert:{event['name']}"
    if (task, tag) not in tracker.tagged:
        known = tracker.task(task).get("tags") or []
        tracker.edit(task, tags=sorted({*known, tag}))
        tracker.tagged.add((task, tag))


def note(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Make a note the task's description, which still names the attempt; it is shown as it is."""
    plain = event["text"].replace("**", "").replace("`", "").strip()
    tracker.edit(task, comment=f"{plain}\n\nattempt {start['id']}")


def end(tracker: Any, task: str, start: Event, event: Event) -> None:
    """Set the task's final status, with the reason if it did not complete."""
    from clearml.backend_api.services import tasks

    ends = {"completed": tasks.CompletedRequest, "failed": tasks.FailedRequest}
    request = ends.get(event["status"], tasks.StoppedRequest)
    why = reason_of_run if start["rule"] == "workflow" else reason_of
    reason, message = why(event, REASON_CHARACTERS), why(event, MESSAGE_CHARACTERS)
    tracker.call(request(task=task, force=True, status_reason=reason, status_message=message))


def reason_of(event: Event, longest: int) -> str:
    """Return why a job ended: its error's last line, then the last lines that it printed."""
    error = str(event.get("error") or "").strip()
    if not error:
        return ""
    tail = event.get("log_tail") or []
    lines = tail.splitlines() if isinstance(tail, str) else list(map(str, tail))
    first, *rest = reversed(error.splitlines())
    more = [one for one in lines if one.strip() and one.strip() not in error]
    if longest > REASON_CHARACTERS:
        more = [*reversed(rest), *more]
    first = first[: longest // 2]
    kept: list[str] = []
    for one in reversed(more):
        if len(first) + sum(len(text) + 1 for text in kept) + len(one) + 1 > longest:
            break
        kept.insert(0, one)
    return "\n".join([first, *kept])


def reason_of_run(event: Event, longest: int) -> str:
    """Return why a run ended: a line for each failed job, as far as there is room."""
    lines = str(event.get("error") or "").strip().splitlines()
    kept: list[str] = []
    for number, one in enumerate(lines):
        if sum(len(text) + 1 for text in kept) + len(one) > longest - MORE_CHARACTERS and kept:
            return "\n".join([*kept, f"and {len(lines) - number} more: see the console"])
        kept.append(one[: longest - MORE_CHARACTERS])
    return "\n".join(kept)


ACTIONS = {"artifact": artifact, "model": models.use, "alert": alert, "note": note, "end": end}
