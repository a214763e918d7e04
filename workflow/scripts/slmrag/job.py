"""The one line that watches a job: its log, its memory, its events and its end."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from slmrag import events
from slmrag.errors import UserError
from slmrag.joblog import JobLog
from slmrag.memory import Sampler
from slmrag.redaction import clean_text

KILLED = 128 + signal.SIGTERM


class Terminated(BaseException):
    """The job was told to end by SIGTERM."""


@dataclass
class Job:
    """What a job knows of itself, apart from Snakemake."""

    id: str
    rule: str
    wildcards: dict[str, str]
    experiment: str
    params: dict[str, Any]
    resources: dict[str, Any]
    threads: int
    log: str | None
    outputs: dict[str, list[str]]
    tracking: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Where the job's events and memory are kept."""
        return Path("results", self.experiment, "jobs", self.rule, *self.wildcards.values())


def named(values: Any) -> dict[str, Any]:
    """Return the named members of Snakemake's lists, or of a plain namespace."""
    if values is None:
        return {}
    if isinstance(values, Mapping):
        return dict(values)
    items = getattr(values, "items", None)
    return dict(items()) if callable(items) else dict(vars(values))


def describe(snakemake: Any) -> Job:
    """Read the job out of the object that Snakemake gives each script."""
    config = getattr(snakemake, "config", None) or {}
    log = getattr(snakemake, "log", None)
    outputs = named(getattr(snakemake, "output", None))
    return Job(
        id=f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid4().hex[:12]}",
        rule=str(snakemake.rule),
        wildcards={name: str(value) for name, value in named(snakemake.wildcards).items()},
        experiment=str(config.get("experiment", "default")),
        params=named(snakemake.params),
        resources=named(getattr(snakemake, "resources", None)),
        threads=int(getattr(snakemake, "threads", 1) or 1),
        log=(str(log) if isinstance(log, str | Path) else str(log[0])) if log else None,
        outputs={name: paths(value) for name, value in outputs.items()},
        tracking=dict(config.get("tracking") or {}),
    )


def paths(value: Any) -> list[str]:
    """Return one path or several as a list."""
    return [str(value)] if isinstance(value, str | os.PathLike) else [str(item) for item in value]


def run_job(snakemake: Any, main: Callable[[Any, Any, Any], Mapping[str, Any] | None]) -> None:
    """Run ``main(input, output, params)`` as a watched job; exit with 1 or 143 if it fails."""
    job = describe(snakemake)
    with JobLog(job.log) as log:
        status = watch(job, log, lambda: main(snakemake.input, snakemake.output, snakemake.params))
    if status:
        sys.exit(status)


def watch(job: Job, log: JobLog, work: Callable[[], Mapping[str, Any] | None]) -> int:
    """Run ``work`` between a start and an end event; return the exit status."""
    journal = start(job)
    sampler = Sampler(journal)
    sampler.start()
    before = signal.signal(signal.SIGTERM, terminate)
    status, error = 0, None
    try:
        record(job, work() or {})
    except BaseException as exception:
        status, error = explain(job, log, exception)
    finally:
        signal.signal(signal.SIGTERM, before)
        finish(job, journal, sampler, status, error)
    return status


def terminate(signum: int, frame: Any) -> None:
    """Turn SIGTERM into an orderly end."""
    raise Terminated


def start(job: Job) -> events.EventLog:
    """Open the job's events and say what runs."""
    journal = events.EventLog(job.folder / "events.jsonl")
    events.use(journal)
    fields = {"id": job.id, "run": os.environ.get("SLMRAG_RUN_ID"), "rule": job.rule}
    fields |= {"wildcards": job.wildcards, "experiment": job.experiment, "params": job.params}
    journal.write("start", **fields, resources=job.resources, threads=job.threads)
    return journal


def record(job: Job, results: Mapping[str, Any]) -> None:
    """Report what ``main`` returned and the files that it wrote."""
    for name, value in results.items():
        events.single(name, value)
    for name, files in job.outputs.items():
        for path in files:
            events.artifact(name, path)


STATUS = {0: "completed", 1: "failed", 130: "killed", KILLED: "killed"}


def explain(job: Job, log: JobLog, exception: BaseException) -> tuple[int, str]:
    """Tell the user in one line what went wrong; return the exit status and the whole story."""
    if isinstance(exception, UserError):
        log.say(f"error: {exception}")
        print(clean_text(f"error: {exception}"), file=sys.stderr)
        return 1, str(exception)
    story = clean_text("".join(traceback.format_exception(exception)))
    print(story, file=sys.stderr, flush=True)
    if isinstance(exception, Terminated | KeyboardInterrupt):
        log.say(f"{job.rule}: ended by a signal")
        return (KILLED if isinstance(exception, Terminated) else 130), story
    place = f"; see {log.path}" if log.path else ""
    log.say(f"error: {job.rule}: {type(exception).__name__}: {exception}{place}")
    return 1, story


def finish(
    job: Job, journal: events.EventLog, sampler: Sampler, status: int, error: str | None
) -> None:
    """Write how the job ended, whatever else fails."""
    with suppress(Exception):
        sampler.finish(job.folder / "memory_usage.json", status=STATUS.get(status, "failed"))
    with suppress(Exception):
        journal.write("end", status=STATUS.get(status, "failed"), error=error, peak=sampler.peaks)
    events.use(None)
    journal.close()
