"""Requests to MLflow for files and a run's end."""

import json
from pathlib import Path
from typing import Any

from slmrag.job.events import Event
from slmrag.tracking import naming

RUN_STATUS = {"completed": "FINISHED", "failed": "FAILED"}
TABLES_TAG = "mlflow.loggedArtifacts"
"""It lists the tables that the UI shows as such."""


def begin(tracker: Any, run: str, start: Event, event: Event) -> None:
    """Upload the packages and the diff of what ran, where this start event has them."""
    if packages := event.get("packages"):
        lines = [f"{name}=={version}\n" for name, version in sorted(packages.items())]
        tracker.client.log_text(run, "".join(lines), "requirements.txt")
    if diff := (event.get("code") or {}).get("diff"):
        tracker.client.log_text(run, diff, "diff.patch")


def artifact(tracker: Any, run: str, start: Event, event: Event) -> None:
    """Upload a file unless it is large; its path and digest are in a tag."""
    path = Path(event["path"])
    if path.is_file() and path.stat().st_size <= tracker.settings.upload_mb * 2**20:
        name = naming.artifact_name(start["rule"], event["name"])
        tracker.client.log_artifact(run, str(path), name)


def table(tracker: Any, run: str, start: Event, event: Event) -> None:
    """Upload a table in MLflow's own form."""
    columns = list(dict.fromkeys(name for row in event["rows"] for name in row))
    data = [[row.get(name) for name in columns] for row in event["rows"]]
    text = json.dumps({"columns": columns, "data": data}, ensure_ascii=False)
    tracker.client.log_text(run, text, table_path(event))


def table_path(event: Event) -> str:
    """Return where a table lies among a run's files."""
    return f"tables/{event['name']}.json"


def tables_tag(known: str | None, tables: list[Event]) -> str:
    """Return the tag on a run's tables with new ones."""
    listed = json.loads(known or "[]")
    new = [{"path": path, "type": "table"} for path in dict.fromkeys(map(table_path, tables))]
    return json.dumps([*listed, *(entry for entry in new if entry not in listed)])


def plot(tracker: Any, run: str, start: Event, event: Event) -> None:
    """Upload a picture."""
    if Path(event["path"]).is_file():
        tracker.client.log_artifact(run, event["path"], "plots")


def end(tracker: Any, run: str, start: Event, event: Event) -> None:
    """Set the run's final status."""
    status = RUN_STATUS.get(event["status"], "KILLED")
    tracker.client.set_terminated(run, status, int(event["time"] * 1000))


ACTIONS = {"start": begin, "artifact": artifact, "table": table, "plot": plot, "end": end}
