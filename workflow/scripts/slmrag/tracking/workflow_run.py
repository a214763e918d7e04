"""The workflow run as the tracker's parent task: begun and ended by the driver's hooks."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

from slmrag.errors import UserError
from slmrag.job import code_version
from slmrag.job.attempts import new_id
from slmrag.job.events import EventLog
from slmrag.job.killed_jobs import close_logs_of_dead_jobs
from slmrag.tracking import webhook
from slmrag.tracking.settings import Settings, settings
from slmrag.tracking.sync_process import run_sync, sentence

RUN = "SLMRAG_RUN_ID"
SHORT_SECONDS = 5.0  # whoever interrupts a run, or reads its error, should not wait
WEBHOOK_SECONDS = 8


def start(config: Mapping[str, Any]) -> None:
    """Begin a run: name it in the environment and, where tracking must be online, try it."""
    os.environ.setdefault(RUN, new_id())
    os.environ.setdefault(code_version.VARIABLE, code_version.ask())
    chosen = settings(config.get("tracking"))
    if chosen.on and chosen.mode == "online":
        require(config, chosen)
    with suppress(OSError):
        write(config, "start", **beginning(config))


def beginning(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first event of a run."""
    run = os.environ[RUN]
    return {
        "id": run,
        "run": run,
        "rule": "workflow",
        "wildcards": {"run": run},
        "experiment": str(config.get("experiment", "default")),
        "params": dict(config),
        "code": code_version.version(),
        "host": os.uname().nodename,
        "pid": os.getpid(),
    }


def finish(config: Mapping[str, Any], status: str) -> None:
    """End a run and send what its jobs left, within the deadline; say in one line how that went."""
    with suppress(OSError):
        close_logs_of_dead_jobs(results(config), os.environ[RUN])
        write(config, "end", status=status, error=None)
    chosen = settings(config.get("tracking"))
    told = announce(config, chosen, status)
    if chosen.on:
        seconds = chosen.deadline_seconds if status == "completed" else SHORT_SECONDS
        seconds = min(seconds, chosen.deadline_seconds)
        outcome = run_sync(results(config), config.get("tracking") or {}, seconds)
        print(f"tracking: {sentence(*outcome)}", file=sys.stderr, flush=True)
    if told:
        told.join(WEBHOOK_SECONDS)


def write(config: Mapping[str, Any], kind: str, **fields: Any) -> None:
    """Append an event to the run's own log."""
    run = os.environ[RUN]
    log = EventLog(results(config) / "jobs" / "workflow" / run / "attempts" / f"{run}.jsonl")
    log.write(kind, **fields)
    log.close()


def results(config: Mapping[str, Any]) -> Path:
    """Return the experiment's folder."""
    return Path(config.get("results") or Path("results", str(config.get("experiment", "default"))))


def announce(config: Mapping[str, Any], chosen: Settings, status: str) -> Thread | None:
    """Post a run's summary, where a webhook is set, while the rest is sent to the tracker."""
    url = os.environ.get(chosen.webhook_env or "")
    if not url:
        return None

    def tell() -> None:
        failure = webhook.post(url, results(config), os.environ[RUN], status)
        if failure:
            print(f"tracking: the webhook failed: {failure}", file=sys.stderr, flush=True)

    thread = Thread(target=tell, daemon=True)
    thread.start()
    return thread


def require(config: Mapping[str, Any], chosen: Settings) -> None:
    """Raise UserError unless the tracker answers within its bound."""
    from slmrag.tracking.check import problem

    trouble = problem(replace(chosen, experiment=str(config.get("experiment", "default"))))
    if trouble:
        raise UserError(f"tracking.mode is online, but {trouble}")
