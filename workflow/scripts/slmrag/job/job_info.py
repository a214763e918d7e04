"""Facts about a job, read from the ``snakemake`` object of its script."""

import getpass
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmrag.config.folder_names import entry_name
from slmrag.job.attempts import RUN_ID_VARIABLE, attempt_log, new_id
from slmrag.job.code_version import read_version
from slmrag.job.gpu_lock import VISIBLE_VARIABLE
from slmrag.job.packages import python_fields

SAMPLE_SECONDS = 1.0


@dataclass
class Job:
    """A job as plain values, without Snakemake."""

    id: str
    rule: str
    wildcards: dict[str, str]
    experiment: str
    params: dict[str, Any]
    resources: dict[str, Any]
    threads: int
    log: str | None
    inputs: dict[str, list[str]]
    outputs: dict[str, list[str]]
    tracking: dict[str, Any]
    results_folder: str | None = None
    """The experiment's folder, where this workflow is another's module."""

    @property
    def results(self) -> Path:
        """The experiment's folder."""
        return Path(self.results_folder or Path("results", self.experiment))

    @property
    def folder(self) -> Path:
        """Where the job's events and memory are kept."""
        return Path(self.results, "jobs", self.rule, *self.wildcards.values())

    @property
    def sample_seconds(self) -> float:
        """Seconds between two samples of memory."""
        return self.tracking.get("interval_seconds") or SAMPLE_SECONDS

    @property
    def limits(self) -> Mapping[str, Any]:
        """The limits beyond which there is an alert."""
        return self.tracking.get("alerts") or {}

    @property
    def attempt(self) -> Path:
        """The event log of this attempt."""
        return attempt_log(self.folder, self.id)

    def start_fields(self) -> dict[str, Any]:
        """Return the fields of the job's start event."""
        return {
            "id": self.id,
            "run": os.environ.get(RUN_ID_VARIABLE),
            "rule": self.rule,
            "wildcards": self.wildcards,
            "experiment": self.experiment,
            "params": {
                k: v for k, v in self.params.items() if k not in ("code", "redacted_config")
            },
            "resources": self.resources,
            "threads": self.threads,
            "code": {"digest": self.params.get("code"), **read_version()},
            **python_fields(),
            "host": os.uname().nodename,
            "user": user_name(),
            "pid": os.getpid(),
            "cluster_job": os.environ.get("SLURM_JOB_ID"),
            "devices": os.environ.get(VISIBLE_VARIABLE),
        }


def user_name() -> str | None:
    """Return the name of the user whose process this is, None where it has none."""
    with suppress(KeyError, OSError, ImportError):
        return getpass.getuser()
    return None


def read_job(snakemake: Any) -> Job:
    """Return the job that a ``snakemake`` object stands for."""
    config = getattr(snakemake, "config", None) or {}
    log = getattr(snakemake, "log", None)
    return Job(
        id=new_id(),
        rule=str(snakemake.rule),
        wildcards=wildcard_names(snakemake),
        experiment=str(config.get("experiment", "default")),
        params=named_values(snakemake.params),
        resources=named_values(getattr(snakemake, "resources", None)),
        threads=int(getattr(snakemake, "threads", 1) or 1),
        log=path_list(log)[0] if log else None,
        inputs=named_paths(getattr(snakemake, "input", None)),
        outputs=named_paths(getattr(snakemake, "output", None)),
        tracking=dict(config.get("tracking") or {}),
        results_folder=config.get("results"),
    )


def wildcard_names(snakemake: Any) -> dict[str, str]:
    """Return the wildcards as names of entries, without the digest of a resource's folder."""
    made = [
        path for paths in named_paths(getattr(snakemake, "output", None)).values() for path in paths
    ]
    config = getattr(snakemake, "config", None) or {}
    results = config.get("results") or f"results/{config.get('experiment', 'default')}"
    shared = bool(made) and all(not path.startswith(f"{results}/") for path in made)
    values = {name: str(value) for name, value in named_values(snakemake.wildcards).items()}
    return {name: entry_name(value) for name, value in values.items()} if shared else values


def named_values(values: Any) -> dict[str, Any]:
    """Return the named values of one of Snakemake's lists, or of a plain namespace."""
    if values is None:
        return {}
    if isinstance(values, Mapping):
        return dict(values)
    items = getattr(values, "items", None)
    return dict(items()) if callable(items) else dict(vars(values))


def named_paths(values: Any) -> dict[str, list[str]]:
    """Return the named paths of Snakemake's inputs or outputs, each as a list."""
    return {name: path_list(value) for name, value in named_values(values).items()}


def path_list(value: Any) -> list[str]:
    """Return one path or several as a list."""
    return [str(value)] if isinstance(value, str | os.PathLike) else [str(item) for item in value]


def cells_of_job(params: Mapping[str, Any]) -> Iterable[dict[str, str]]:
    """Yield model, data set and mode of each cell of a job, whatever the form of its params."""
    for cell in params.get("cells") or ([params["cell"]] if params.get("cell") else []):
        if isinstance(cell, Mapping):
            yield {name: str(value) for name, value in cell.items()}
        else:
            parts = cell.split("/") if isinstance(cell, str) else list(cell)
            names = ("model", "dataset", "mode")[-len(parts) :]
            yield dict(zip(names, map(str, parts), strict=False))
