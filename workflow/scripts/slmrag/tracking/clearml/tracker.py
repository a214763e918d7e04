"""ClearML through its SDK's session: one request at a time, with timeouts, and no threads."""

import json
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming
from slmrag.tracking.clearml.actions import ACTIONS, add_artifacts
from slmrag.tracking.clearml.names import project_path, server_name
from slmrag.tracking.clearml.requests import RUNNING, TrackerError
from slmrag.tracking.clearml.script import script
from slmrag.tracking.settings import Settings

MAX_LINES = 1000
"""Lines that are compared after a request without an answer; a batch of events makes fewer."""


class ClearmlTracker:
    """Tasks at a ClearML server."""

    name = "clearml"

    def __init__(self, settings: Settings):
        """Log in, within the timeouts of the settings."""
        os.environ.setdefault("CLEARML_LOG_LEVEL", "ERROR")
        from clearml.backend_api.session import Session

        Session._session_initial_timeout = (settings.connect_seconds,) * 2
        Session._session_timeout = (settings.connect_seconds, settings.deadline_seconds)
        Session._write_session_timeout = Session._session_timeout
        retries = {"total": settings.retries, "backoff_factor": 0.2}
        self.settings = settings
        self.refusals = 0
        self.projects: dict[str, str] = {}
        self.models: dict[str, str] = {}
        self.sent_files: dict[str, list[dict[str, Any]]] = {}
        """Artifacts of files that are at the store, by the task that does not name them yet."""
        self.tagged: set[tuple[str, str]] = set()
        """(task, tag) of alerts that are tagged already."""
        self.session = Session(http_retries_config=retries)

    def call(self, request: Any) -> Any:
        """Send a request; return its response or raise TrackerError."""
        return self.send(request).response

    def data(self, request: Any) -> dict[str, Any]:
        """Send a request; return its response as plain data or raise TrackerError."""
        return self.send(request).response_data

    def send(self, request: Any) -> Any:
        """Send a request; return the SDK's result or raise TrackerError."""
        result = self.session.send(request)
        if result is None or not result.ok():
            reason = getattr(getattr(result, "meta", None), "result_msg", "no answer")
            raise TrackerError(f"{request._service}.{request._action}: {reason}")
        return result

    def open(self, start: Event, parent: str | None) -> str:
        """Find or create the task with the attempt's id in its comment, and mark it started."""
        from clearml.backend_api.services import tasks

        project = self.project(naming.project_name(self.settings.project, start))
        task = self.find(start["id"], project) or self.create(start, project, parent)
        self.call(tasks.StartedRequest(task=task, force=True))
        return task

    def find(self, attempt: str, project: str) -> str | None:
        """Return the project's task whose comment names the attempt."""
        from clearml.backend_api.services import tasks

        pattern = tasks.MultiFieldPatternData(pattern=f"attempt {attempt}", fields=["comment"])
        request = tasks.GetAllRequest(project=[project], only_fields=["id"], _any_=pattern)
        found = self.call(request).tasks
        return found[0].id if found else None

    def create(self, start: Event, project: str, parent: str | None) -> str:
        """Create a task with its names, tags and parameters in one request."""
        from clearml.backend_api.services import tasks

        request = tasks.CreateRequest(
            name=server_name(naming.task_name(start)),
            project=project,
            type=naming.task_type(start),
            tags=naming.task_tags(start),
            parent=parent,
            comment=f"attempt {start['id']}",
            hyperparams=hyperparams(start),
            configuration=configuration(start),
            output_dest=self.settings.output_uri,
            script=script(start),
        )
        return self.call(request).id

    def task(self, task: str) -> dict[str, Any]:
        """Return a task as the server has it."""
        from clearml.backend_api.services import tasks

        return self.data(tasks.GetByIdRequest(task=task))["task"]

    def edit(self, task: str, **fields: Any) -> None:
        """Change fields of a task, whatever its state."""
        from clearml.backend_api.services import tasks

        self.call(tasks.EditRequest(task=task, force=True, **fields))

    def add(self, task: str, request: Any, as_edit: Callable[[dict[str, Any]], Any]) -> None:
        """Send a request that adds to a task; one that ended takes only an edit of the whole.

        ``as_edit`` returns the fields of that edit from the task as the server has it.
        """
        try:
            self.call(request)
        except TrackerError:
            found = self.task(task)
            if found["status"] in RUNNING:
                raise
            self.edit(task, **as_edit(found))

    def project(self, path: str, system_tags: Sequence[str] = ()) -> str:
        """Return the id of a project, created if it does not exist."""
        from clearml.backend_api.services import projects

        name = project_path(path)
        known = self.projects.get(name) or self.find_project(name)
        if known is None:
            tags = list(system_tags) or None
            request = projects.CreateRequest(name=name, description="", system_tags=tags)
            try:
                known = self.call(request).id
            except TrackerError:  # another process was quicker
                known = self.find_project(name)
                if known is None:
                    raise
        self.projects[name] = known
        return known

    def find_project(self, name: str) -> str | None:
        """Return the id of a project by its whole path, hidden ones too; None if there is none."""
        from clearml.backend_api.services import projects

        exact, fields = f"^{re.escape(name)}$", ["id", "name"]
        request = projects.GetAllRequest(name=exact, only_fields=fields, search_hidden=True)
        found = self.call(request).projects
        return next((project.id for project in found or [] if project.name == name), None)

    def link(self, task: str, parent: str) -> None:
        """Make a task a child of the run's."""
        self.edit(task, parent=parent)

    def keep_alive(self, task: str) -> None:
        """Renew the time of a task's last update: the server stops tasks that are long silent."""
        from clearml.backend_api.services import tasks

        self.call(tasks.PingRequest(task=task))

    def report(self, task: str, start: Event, events: list[Event], again: bool) -> None:
        """Report points, plots and lines in one request.

        The server replaces a point that it has, but gives each line an id of its own: if an
        earlier request may have been accepted, only lines that are not there are sent.
        """
        from clearml.backend_api.services import events as api

        from slmrag.tracking.clearml import events as clearml_events

        batch = [item for event in events for item in clearml_events.translate(task, start, event)]
        known = self.lines(task) if again else set()
        batch = [item for item in batch if (item.timestamp, getattr(item, "msg", "")) not in known]
        if batch:
            answer = self.data(api.AddBatchRequest(requests=batch))
            self.tell_refused(task, answer)

    def tell_refused(self, task: str, answer: dict[str, Any]) -> None:
        """Say in the console that events are missing: the server answers as if all were there."""
        from clearml.backend_api.services import events as api

        if count := answer.get("errors"):
            why = f"ClearML did not take {count} events: {answer.get('errors_info')}"
            request = api.TaskLogEvent(task=task, level="WARNING", worker="job", msg=why)
            self.call(api.AddBatchRequest(requests=[request]))

    def lines(self, task: str) -> set[tuple[int, str]]:
        """Return time in ms and text of the last lines of a task's console."""
        from clearml.backend_api.services import events as api

        request = api.GetTaskLogRequest(task=task, batch_size=MAX_LINES, navigate_earlier=True)
        found = self.call(request).events or []
        return {(line["timestamp"], line["msg"]) for line in found}

    def register_files(self, task: str) -> None:
        """Name the files that were sent as the task's artifacts, in one request."""
        sent = {(one["key"], one["mode"]): one for one in self.sent_files.pop(task, [])}
        add_artifacts(self, task, list(sent.values()))

    def act(self, task: str, start: Event, event: Event) -> None:
        """Do what is no point or line: artifacts, models, tags and the end."""
        action = ACTIONS.get(event["kind"])
        if action:
            action(self, task, start, event)


def hyperparams(start: Event) -> dict[str, dict[str, dict[str, str]]]:
    """Return the job's parameters as ClearML's sections."""
    return {
        section: {
            name: {"section": section, "name": name, "value": value, "type": "str"}
            for name, value in values.items()
            if name.strip()  # a server refuses a name that is blank
        }
        for section, values in naming.parameter_sections(start).items()
    }


def configuration(start: Event) -> dict[str, dict[str, str]]:
    """Return the job's config entries as one configuration object."""
    text = json.dumps(start.get("params") or {}, indent=1, sort_keys=True)
    return {"params": {"name": "params", "type": "json", "value": text}}
