"""MLflow through its client: names as in ClearML, requests in batches, one nested run per job."""

import os
from pathlib import Path

from slmrag.job.events import Event
from slmrag.tracking import naming
from slmrag.tracking.mlflow.metrics import batches, metrics_of_event, shorten, tags_of_event
from slmrag.tracking.settings import Settings

PARAMS_PER_BATCH = 100
METRICS_PER_BATCH = 900
TAGS_PER_BATCH = 100
"""MLflow's limits per request; 1,000 of all kinds together."""
RUN_STATUS = {"completed": "FINISHED", "failed": "FAILED"}


class DeletedExperiment(Exception):
    """A deleted experiment, which accepts no runs; the message says what to do."""


class MlflowTracker:
    """Runs at an MLflow server, whose address and credentials are in the environment."""

    name = "mlflow"

    def __init__(self, settings: Settings):
        """Log in with a first request, within the timeouts of the settings."""
        os.environ |= client_variables(settings)
        from mlflow.tracking import MlflowClient

        self.settings = settings
        self.client = MlflowClient()
        self.experiments: dict[str, str] = {}
        self.client.get_experiment_by_name("Default")

    def open(self, start: Event, parent: str | None) -> str:
        """Find or create the run with the attempt's tag."""
        name = naming.project_name(self.settings.project, start)
        experiment = self.experiments.get(name) or self.experiment(name)
        self.experiments[name] = experiment
        found = self.client.search_runs(
            [experiment], f"tags.`slmrag.attempt` = '{start['id']}'", max_results=1
        )
        run = found[0].info.run_id if found else self.create(experiment, start, parent)
        self.parameters(run, start)
        return run

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, created if it does not exist."""
        from mlflow.exceptions import MlflowException

        known = self.client.get_experiment_by_name(name)
        if known and known.lifecycle_stage == "deleted":
            raise DeletedExperiment(
                f"experiment '{name}' is deleted at the server: restore it there (mlflow "
                f"experiments restore --experiment-id {known.experiment_id}), or set another "
                "tracking.project or experiment"
            )
        if known:
            return known.experiment_id
        try:
            return self.client.create_experiment(name)
        except MlflowException:
            if quicker := self.client.get_experiment_by_name(name):  # another job's
                return quicker.experiment_id
            raise

    def create(self, experiment: str, start: Event, parent: str | None) -> str:
        """Create a run with its name and tags in one request."""
        pairs = dict(tag.partition(":")[::2] for tag in naming.task_tags(start))
        tags = pairs | {"slmrag.attempt": start["id"], "task_type": naming.task_type(start)}
        if parent:
            tags["mlflow.parentRunId"] = parent
        commit = (start.get("code") or {}).get("commit")
        if commit:
            tags["mlflow.source.git.commit"] = commit
        name, begun = naming.task_name(start), int(start["time"] * 1000)
        run = self.client.create_run(experiment, start_time=begun, tags=tags, run_name=name)
        return run.info.run_id

    def parameters(self, run: str, start: Event) -> None:
        """Report parameters with dotted names; a value above the limit is shortened and says so."""
        from mlflow.entities import Param

        flat = naming.flatten(naming.parameter_sections(start))
        params = [Param(key, shorten(value)) for key, value in flat.items()]
        for batch in batches(params, PARAMS_PER_BATCH):
            self.client.log_batch(run, params=batch)

    def link(self, task: str, parent: str) -> None:
        """Make a run a child of the workflow's."""
        self.client.set_tag(task, "mlflow.parentRunId", parent)

    def send(self, task: str, start: Event, events: list[Event]) -> None:
        """Report all points and tags of a batch at once, then files and the end."""
        from mlflow.entities import RunTag

        points = [point for event in events for point in metrics_of_event(start, event)]
        tags = [RunTag(*tag) for event in events for tag in tags_of_event(start, event)]
        for batch in batches(points, METRICS_PER_BATCH):
            self.client.log_batch(task, metrics=batch, tags=tags[:TAGS_PER_BATCH])
            tags = tags[TAGS_PER_BATCH:]
        for batch in batches(tags, TAGS_PER_BATCH):
            self.client.log_batch(task, tags=batch)
        for event in events:
            action = self.ACTIONS.get(event["kind"])
            if action:
                action(self, task, start, event)

    def artifact(self, task: str, start: Event, event: Event) -> None:
        """Upload a file unless it is large; its path and digest are in a tag."""
        path = Path(event["path"])
        if path.is_file() and path.stat().st_size <= self.settings.upload_mb * 2**20:
            name = naming.artifact_name(start["rule"], event["name"])
            self.client.log_artifact(task, str(path), name)

    def table(self, task: str, start: Event, event: Event) -> None:
        """Report a table as JSON rows."""
        self.client.log_dict(task, {"rows": event["rows"]}, f"tables/{event['name']}.json")

    def plot(self, task: str, start: Event, event: Event) -> None:
        """Upload a picture."""
        if Path(event["path"]).is_file():
            self.client.log_artifact(task, event["path"], "plots")

    def end(self, task: str, start: Event, event: Event) -> None:
        """Set the run's final status."""
        status = RUN_STATUS.get(event["status"], "KILLED")
        self.client.set_terminated(task, status, int(event["time"] * 1000))

    ACTIONS = {"artifact": artifact, "table": table, "plot": plot, "end": end}  # noqa: RUF012


def client_variables(settings: Settings) -> dict[str, str]:
    """Return the client's variables for its timeouts and retries."""
    return {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, round(settings.deadline_seconds))),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(settings.retries),
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
        "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
    }
