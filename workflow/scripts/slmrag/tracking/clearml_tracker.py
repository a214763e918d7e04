"""ClearML over its SDK's session: one request at a time, bounded, and nothing in the background."""

import json
import os
import re
from pathlib import Path
from typing import Any

from slmrag.tracking import naming
from slmrag.tracking.attempts import Event
from slmrag.tracking.settings import Settings

SINGLE_STEP = -(2**31)


class TrackerError(Exception):
    """The tracker did not answer, or refused."""


class ClearmlTracker:
    """Tasks at a ClearML server."""

    name = "clearml"

    def __init__(self, settings: Settings):
        """Log in, within the settings' bounds."""
        os.environ.setdefault("CLEARML_LOG_LEVEL", "ERROR")
        from clearml.backend_api.session import Session

        Session._session_initial_timeout = (settings.connect_seconds,) * 2
        Session._session_timeout = (settings.connect_seconds, settings.deadline_seconds)
        Session._write_session_timeout = Session._session_timeout
        retries = {"total": settings.retries, "backoff_factor": 0.2}
        self.settings = settings
        self.session = Session(http_retries_config=retries)

    def call(self, request: Any) -> Any:
        """Send a request; return its response or raise TrackerError."""
        result = self.session.send(request)
        if result is None or not result.ok():
            reason = getattr(getattr(result, "meta", None), "result_msg", "no answer")
            raise TrackerError(f"{request._service}.{request._action}: {reason}")
        return result.response

    def open(self, start: Event, parent: str | None) -> str:
        """Find the task by the attempt's id in its comment, or make it and mark it started."""
        from clearml.backend_api.services import tasks

        task = self.find(start["id"]) or self.create(start, parent)
        self.call(tasks.StartedRequest(task=task, force=True))
        return task

    def find(self, attempt: str) -> str | None:
        """Return the task whose comment names the attempt."""
        from clearml.backend_api.services import tasks

        pattern = tasks.MultiFieldPatternData(pattern=f"attempt {attempt}", fields=["comment"])
        found = self.call(tasks.GetAllRequest(only_fields=["id"], _any_=pattern)).tasks
        return found[0].id if found else None

    def create(self, start: Event, parent: str | None) -> str:
        """Make a task with its names, tags and parameters in one request."""
        from clearml.backend_api.services import tasks

        request = tasks.CreateRequest(
            name=naming.task_name(start),
            project=self.project(naming.project_name(self.settings.project, start)),
            type=naming.task_type(start),
            tags=naming.tags(start),
            parent=parent,
            comment=f"attempt {start['id']}",
            hyperparams=hyperparams(start),
            configuration=configuration(start),
            output_dest=self.settings.output_uri,
            script={"entry_point": f"{start['rule']}.py", "working_dir": "."} | version(start),
        )
        return self.call(request).id

    def project(self, name: str) -> str:
        """Return the id of a project, made if it does not exist."""
        from clearml.backend_api.services import projects

        exact = f"^{re.escape(name)}$"
        found = self.call(projects.GetAllRequest(name=exact, only_fields=["id", "name"])).projects
        for project in found or []:
            if project.name == name:
                return project.id
        return self.call(projects.CreateRequest(name=name, description="")).id

    def link(self, task: str, parent: str) -> None:
        """Make a task a child of the run's."""
        from clearml.backend_api.services import tasks

        self.call(tasks.EditRequest(task=task, parent=parent, force=True))

    def send(self, task: str, start: Event, events: list[Event]) -> None:
        """Report points and plots in one request, then artifacts, tags and the end."""
        from clearml.backend_api.services import events as api

        from slmrag.tracking import clearml_events

        batch = [item for event in events for item in clearml_events.translate(task, start, event)]
        if batch:
            self.call(api.AddBatchRequest(requests=batch))
        for event in events:
            action = self.ACTIONS.get(event["kind"])
            if action:
                action(self, task, start, event)

    def artifact(self, task: str, start: Event, event: Event) -> None:
        """Upload a file, or refer to it where it is large or a folder, and register it."""
        from clearml.backend_api.services import tasks

        name = naming.artifact_name(start["rule"], event["name"])
        uri = self.upload(task, start, name, event)
        details = {"path": event["path"], **(event.get("metadata") or {})}
        artifact = tasks.Artifact(
            key=name,
            type="custom",
            mode="output",
            uri=uri,
            content_size=event.get("bytes"),
            hash=event.get("sha256"),
            timestamp=int(event["time"]),
            type_data=tasks.ArtifactTypeData(preview=json.dumps(details, indent=1)),
            display_data=[[str(key), str(value)] for key, value in details.items()],
        )
        self.call(tasks.AddOrUpdateArtifactsRequest(task=task, artifacts=[artifact], force=True))

    def upload(self, task: str, start: Event, name: str, event: Event) -> str:
        """Return where an artifact's content is."""
        path = Path(event["path"]).resolve()
        if not path.is_file() or path.stat().st_size > self.settings.upload_mb * 2**20:
            return path.as_uri()
        from clearml import StorageManager

        base = self.settings.output_uri or self.session.get_files_server_host()
        project = naming.project_name(self.settings.project, start)
        folder = f"{project}/{naming.task_name(start).replace('/', '.')}.{task}"
        url = f"{base.rstrip('/')}/{folder}/artifacts/{name}/{path.name}"
        sent = StorageManager.upload_file(str(path), url, wait_for_upload=True, retries=1)
        if not sent:
            raise TrackerError(f"could not upload {path.name} to {base}")
        return sent

    def model(self, task: str, start: Event, event: Event) -> None:
        """Register the model that a job uses, once for its content, as the task's input."""
        from clearml.backend_api.services import models, tasks

        comment = f"digest {event.get('digest')}, revision {event.get('revision')}"
        request = models.GetAllRequest(name=f"^{re.escape(event['name'])}$", uri=[event["uri"]])
        same = [one for one in self.call(request).models or [] if one.comment == comment]
        design = {"design": json.dumps(event.get("entry") or {}, indent=1, sort_keys=True)}
        new = models.CreateRequest(
            name=event["name"], uri=event["uri"], comment=comment, design=design, ready=True
        )
        known = same[0].id if same else self.call(new).id
        link = tasks.AddOrUpdateModelRequest(
            task=task, name=event["name"], model=known, type=tasks.ModelTypeEnum.input
        )
        self.call(link)

    def alert(self, task: str, start: Event, event: Event) -> None:
        """Tag the task with an alert."""
        from clearml.backend_api.services import tasks

        known = self.call(tasks.GetByIdRequest(task=task)).task.tags or []
        wanted = sorted({*known, f"alert:{event['name']}"})
        self.call(tasks.EditRequest(task=task, tags=wanted, force=True))

    def end(self, task: str, start: Event, event: Event) -> None:
        """Give the task its last status."""
        from clearml.backend_api.services import tasks

        reason = str(event.get("error") or "")
        first = reason.strip().splitlines()[-1][:300] if reason.strip() else ""
        ends = {"completed": tasks.CompletedRequest, "failed": tasks.FailedRequest}
        request = ends.get(event["status"], tasks.StoppedRequest)
        self.call(
            request(task=task, force=True, status_reason=first, status_message=reason[-2000:])
        )

    ACTIONS = {"artifact": artifact, "model": model, "alert": alert, "end": end}  # noqa: RUF012


def hyperparams(start: Event) -> dict[str, dict[str, dict[str, str]]]:
    """Return the job's parameters as ClearML's sections."""
    return {
        section: {
            name: {"section": section, "name": name, "value": value, "type": "str"}
            for name, value in values.items()
        }
        for section, values in naming.sections(start).items()
    }


def configuration(start: Event) -> dict[str, dict[str, str]]:
    """Return the job's config entries as one configuration object."""
    text = json.dumps(start.get("params") or {}, indent=1, sort_keys=True)
    return {"params": {"name": "params", "type": "json", "value": text}}


def version(start: Event) -> dict[str, str]:
    """Return the commit that ran."""
    commit = (start.get("code") or {}).get("commit")
    return {"version_num": commit} if commit else {}
