"""Writes ClearML's importable offline sessions, for jobs without a server."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slmrag.files import atomic
from slmrag.job.attempts import Attempt
from slmrag.job.events import Event
from slmrag.tracking import naming
from slmrag.tracking.clearml.events import seconds_since
from slmrag.tracking.settings import Settings

OFFLINE_TARGET = "offline"
MAX_JOB_CHARACTERS = 160
"""Characters of a job's name in a file name of at most 255 bytes; the attempt's id is unique."""

SDK_CONFIG = """sdk.development.report_use_subprocess: false
sdk.development.store_uncommitted_code_diff: false
sdk.development.worker.report_period_sec: 1
"""
WATCHED_LIBRARIES = (
    "detect_repository hydra scikit joblib matplotlib tensorflow tensorboard tfdefines pytorch"
    " megengine xgboost catboost fastai lightgbm gradio"
)
"""Libraries that the SDK would hook into; its look at git and pip takes a second per session."""


def set_offline_mode(folder: Path) -> None:
    """Set the SDK to offline mode with its cache in ``folder``, before its first import."""
    config = folder / "clearml.conf"
    config.write_text(SDK_CONFIG)
    for name in [name for name in os.environ if name.startswith("CLEARML_")]:
        del os.environ[name]
    os.environ |= {
        "CLEARML_CACHE_DIR": str(folder),
        "CLEARML_CONFIG_FILE": str(config),
        "CLEARML_OFFLINE_MODE": "1",
        "CLEARML_LOG_LEVEL": "ERROR",
    }


@contextmanager
def offline_workspace() -> Iterator[None]:
    """Give the SDK a temporary cache, and remove it."""
    folder = Path(tempfile.mkdtemp(prefix="slmrag-offline-"))
    set_offline_mode(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_session(attempt: Attempt, results: Path, chosen: Settings) -> bool:
    """Write an ended attempt as a session; return whether the session exists now."""
    state = attempt.state(OFFLINE_TARGET)
    start = attempt.start()
    if state.get("done") or start is None or not attempt.has_ended():
        return bool(state.get("done"))
    session = results / "tracking" / "clearml" / f"{file_name(start)}.zip"
    with atomic(session) as temporary:
        shutil.move(make_session_zip(attempt, start, chosen), temporary)
    attempt.save(OFFLINE_TARGET, {"done": True, "session": str(session)})
    return True


def file_name(start: Event) -> str:
    """Return rule, wildcards and attempt as a valid file name."""
    job = "-".join([start["rule"], *start["wildcards"].values()]).replace("/", "-")
    return f"{job[:MAX_JOB_CHARACTERS]}-{start['id']}"


def make_session_zip(attempt: Attempt, start: Event, chosen: Settings) -> str:
    """Return the path of a new session's zip."""
    from clearml import Task

    task: Task = Task.init(
        project_name=naming.project_name(chosen.project, start),
        task_name=naming.task_name(start),
        task_type=naming.task_type(start),
        tags=naming.task_tags(start),
        reuse_last_task_id=False,
        auto_connect_arg_parser=False,
        auto_connect_frameworks=dict.fromkeys(WATCHED_LIBRARIES.split(), False),
        auto_connect_streams=False,
        auto_resource_monitoring=False,
    )
    try:
        fill_task(task, attempt, start, chosen)
    finally:
        task.close()
    return f"{task.get_offline_mode_folder()}.zip"


def fill_task(task: Any, attempt: Attempt, start: Event, chosen: Settings) -> None:
    """Give a task its parameters, and each event in turn."""
    task.set_comment(f"attempt {start['id']}")
    for section, values in naming.parameter_sections(start).items():
        task.set_parameters({f"{section}/{name}": value for name, value in values.items()})
    task.set_configuration_object("params", config_dict=start.get("params") or {})
    offset = 0
    while True:
        events, offset = attempt.read(offset)
        if not events:
            return
        for event in events:
            action = ACTIONS.get(event["kind"])
            if action:
                action(task, start, event, chosen)


def scalar(task: Any, start: Event, event: Event, chosen: Settings) -> None:
    """Report a point."""
    title, _, series = event["name"].rpartition("/")
    step = event["step"] if event.get("step") is not None else seconds_since(start, event)
    task.get_logger().report_scalar(title or series, series, float(event["value"]), step)


def memory(task: Any, start: Event, event: Event, chosen: Settings) -> None:
    """Report memory by component."""
    for title, series, value in naming.memory_points(event):
        task.get_logger().report_scalar(title, series, value, seconds_since(start, event))


def single(task: Any, start: Event, event: Event, chosen: Settings) -> None:
    """Report a value that the job has once."""
    if isinstance(event["value"], bool | int | float):
        task.get_logger().report_single_value(event["name"], float(event["value"]))
    else:
        task.get_logger().report_text(f"{event['name']}: {event['value']}", print_console=False)


def table(task: Any, start: Event, event: Event, chosen: Settings) -> None:
    """Report a table."""
    columns = list(dict.fromkeys(key for row in event["rows"] for key in row))
    rows = [columns, *([row.get(column) for column in columns] for row in event["rows"])]
    task.get_logger().report_table(event["name"], "table", table_plot=rows)


def artifact(task: Any, start: Event, event: Event, chosen: Settings) -> None:
    """Put a file into the session, or link to it if it is large or a folder."""
    path = Path(event["path"]).resolve()
    if not path.exists():
        return
    small = path.is_file() and path.stat().st_size <= chosen.upload_mb * 2**20
    details = {"path": event["path"], "sha256": str(event.get("sha256"))}
    details |= {key: str(value) for key, value in (event.get("metadata") or {}).items()}
    task.upload_artifact(
        naming.artifact_name(start["rule"], event["name"]),
        path if small else path.as_uri(),
        metadata=details,
        wait_on_upload=True,
    )


def model(task: Any, start: Event, event: Event, chosen: Settings) -> None:
    """Record the model that a job uses."""
    known = {key: event.get(key) for key in ("name", "uri", "revision", "digest")}
    task.set_configuration_object("model", config_dict=known)


def alert(task: Any, start: Event, event: Event, chosen: Settings) -> None:
    """Tag the task with an alert."""
    task.add_tags([f"alert:{event['name']}"])


def end(task: Any, start: Event, event: Event, chosen: Settings) -> None:
    """Report the run time and the status, which an imported session does not keep."""
    task.get_logger().report_single_value("run_time_seconds", event["time"] - start["time"])
    task.add_tags([f"status:{event['status']}"])
    if event.get("error"):
        task.get_logger().report_text(str(event["error"]), print_console=False)


ACTIONS = {
    "scalar": scalar,
    "memory": memory,
    "single": single,
    "table": table,
    "artifact": artifact,
    "model": model,
    "alert": alert,
    "end": end,
}
