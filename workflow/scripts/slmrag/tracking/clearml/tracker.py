"""ClearML through its SDK's session: one request at a time, with timeouts, and no threads."""

import json
import os
import re
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming
from slmrag.tracking.clearml.actions import ACTIONS, TrackerError
from slmrag.tracking.settings import Settings


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
        self.session = Session(http_retries_config=retries)

    def call(self, request: Any) -> Any:
        """Send a request; return its response or raise TrackerError."""
        result = self.session.send(request)
        if result is None or not result.ok():
            reason = getattr(getattr(result, "meta", None), "result_msg", "no answer")
            raise TrackerError(f"{request._service}.{request._action}: {reason}")
        return result.response

    def open(self, start: Event, parent: str | None) -> str:
        """Find or create the task with the attempt's id in its comment, and mark it started."""
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
        """Create a task with its names, tags and parameters in one request."""
        from clearml.backend_api.services import tasks

        request = tasks.CreateRequest(
            name=naming.task_name(start),
            project=self.project(naming.project_name(self.settings.project, start)),
            type=naming.task_type(start),
            tags=naming.task_tags(start),
            parent=parent,
            comment=f"attempt {start['id']}",
            hyperparams=hyperparams(start),
            configuration=configuration(start),
            output_dest=self.settings.output_uri,
            script={"entry_point": f"{start['rule']}.py", "working_dir": "."} | version(start),
        )
        return self.call(request).id

    def project(self, name: str) -> str:
        """Return the id of a project, created if it does not exist."""
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

        from slmrag.tracking.clearml import events as clearml_events

        batch = [item for event in events for item in clearml_events.translate(task, start, event)]
        if batch:
            self.call(api.AddBatchRequest(requests=batch))
        for event in events:
            action = ACTIONS.get(event["kind"])
            if action:
                action(self, task, start, event)


def hyperparams(start: Event) -> dict[str, dict[str, dict[str, str]]]:
    """Return the job's parameters as ClearML's sections."""
    return {
        section: {
            name: {"section": section, "name": name, "value": value, "type": "str"}
            for name, value in values.items()
        }
        for section, values in naming.parameter_sections(start).items()
    }


def configuration(start: Event) -> dict[str, dict[str, str]]:
    """Return the job's config entries as one configuration object."""
    text = json.dumps(start.get("params") or {}, indent=1, sort_keys=True)
    return {"params": {"name": "params", "type": "json", "value": text}}


def version(start: Event) -> dict[str, str]:
    """Return the commit that ran."""
    commit = (start.get("code") or {}).get("commit")
    return {"version_num": commit} if commit else {}
