"""MLflow through its client: names as in ClearML, requests in batches, one nested run per job."""

import os
from collections.abc import Iterator
from itertools import zip_longest

from slmrag.job.events import Event
from slmrag.tracking import naming
from slmrag.tracking.mlflow.actions import ACTIONS, TABLES_TAG, tables_tag
from slmrag.tracking.mlflow.inputs import datasets_of_events
from slmrag.tracking.mlflow.limits import (
    METRICS_PER_BATCH,
    PARAMS_PER_BATCH,
    TAGS_PER_BATCH,
    batches,
    distinct_names,
    shorten,
)
from slmrag.tracking.mlflow.metrics import metrics_of_event
from slmrag.tracking.mlflow.tags import tags_of_event, tags_of_start
from slmrag.tracking.settings import Settings


class DeletedExperiment(Exception):
    """A deleted experiment, which accepts no runs; the message says what to do."""


class MlflowTracker:
    """Runs at an MLflow server, whose address and credentials are in the environment."""

    name = "mlflow"

    def __init__(self, settings: Settings):
        """Log in with a first request, within the timeouts of the settings."""
        os.environ |= client_variables(settings) | timeout(settings.connect_seconds)
        from mlflow.tracking import MlflowClient

        self.settings = settings
        self.refusals = 0
        self.client = MlflowClient()
        self.experiments: dict[str, str] = {}
        self.client.get_experiment_by_name("Default")
        os.environ |= timeout(settings.deadline_seconds)

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
        name, begun = naming.task_name(start), int(start["time"] * 1000)
        tags = tags_of_start(start, parent)
        run = self.client.create_run(experiment, start_time=begun, tags=tags, run_name=name)
        return run.info.run_id

    def parameters(self, run: str, start: Event) -> None:
        """Report parameters with dotted names; a value above the limit is shortened and says so."""
        from mlflow.entities import Param

        flat = distinct_names(naming.flatten(naming.parameter_sections(start)).items())
        params = [Param(key, shorten(value)) for key, value in flat.items()]
        for batch in batches(params, PARAMS_PER_BATCH, lambda param: param.value):
            self.client.log_batch(run, params=batch)

    def link(self, task: str, parent: str) -> None:
        """Make a run a child of the workflow's."""
        self.client.set_tag(task, "mlflow.parentRunId", parent)

    def keep_alive(self, task: str) -> None:
        """Do nothing: a server stops no run."""

    def report(self, task: str, start: Event, events: list[Event], again: bool) -> None:
        """Report all points and tags of a batch at once; the server keeps one of equal points."""
        from mlflow.entities import RunTag

        points = [point for event in events for point in metrics_of_event(start, event)]
        named = [tag for event in events for tag in tags_of_event(start, event)]
        tags = [RunTag(*tag) for tag in [*named, *self.tables_tag(task, events)]]
        some_points = batches(points, METRICS_PER_BATCH, lambda point: point.key)
        some_tags = batches(tags, TAGS_PER_BATCH, lambda tag: tag.value)
        for own_points, own_tags in zip_longest(some_points, some_tags, fillvalue=()):
            self.client.log_batch(task, metrics=own_points, tags=own_tags)
        if found := datasets_of_events(start, events):
            self.client.log_inputs(task, datasets=found)

    def tables_tag(self, task: str, events: list[Event]) -> Iterator[tuple[str, str]]:
        """Yield the tag that lists a run's tables, those of earlier batches too, if any is new."""
        if new := [event for event in events if event["kind"] == "table"]:
            known = self.client.get_run(task).data.tags.get(TABLES_TAG)
            yield TABLES_TAG, tables_tag(known, new)

    def register_files(self, task: str) -> None:
        """Do nothing: a file that was sent is there."""

    def act(self, task: str, start: Event, event: Event) -> None:
        """Upload a file, or set the end."""
        action = ACTIONS.get(event["kind"])
        if action:
            action(self, task, start, event)


def client_variables(settings: Settings) -> dict[str, str]:
    """Return the client's variables for its timeouts and retries."""
    return {
        **timeout(settings.deadline_seconds),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(settings.retries),
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
        "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # a request a run
        "GIT_PYTHON_REFRESH": "quiet",
    }


def timeout(seconds: float) -> dict[str, str]:
    """Return the client's variable for how long it waits for an answer, in whole seconds."""
    return {"MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, round(seconds)))}
