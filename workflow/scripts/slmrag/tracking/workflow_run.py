"""The workflow run as the tracker's parent task, started and ended by the driver's hooks."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

from slmrag.errors import UserError
from slmrag.job import code_version
from slmrag.job.attempts import RUN_ID_VARIABLE, new_id
from slmrag.job.code_diff import read_diff
from slmrag.job.events import Event, EventLog
from slmrag.job.failed_jobs import failure_lines
from slmrag.job.job_info import user_name
from slmrag.job.killed_jobs import close_logs_of_dead_jobs
from slmrag.job.packages import PREFIX_VARIABLE, installed_packages, python_fields
from slmrag.tracking import webhook
from slmrag.tracking.run_events import run_events
from slmrag.tracking.run_summary import RunSummary, summarize_run
from slmrag.tracking.settings import Settings, settings
from slmrag.tracking.start_publisher import Publisher, start_publisher
from slmrag.tracking.sync_process import Outcome, counts_sentence, run_sync

FAILED_RUN_SECONDS = 5.0  # an interrupted or failed run should end soon
WEBHOOK_SECONDS = 8
MAX_FAILURES = 20
"""Failed jobs that the reason of a run names."""
_publisher: Publisher | None = None
"""The publisher of this driver: the hooks of a run are calls in one process."""


def start(config: Mapping[str, Any]) -> None:
    """Start a run and its publisher: set the run's id in the environment of its jobs.

    If tracking must be online, the tracker is checked, while the publisher loads its libraries.
    """
    global _publisher
    os.environ.setdefault(RUN_ID_VARIABLE, new_id())
    if code_version.VERSION_VARIABLE not in os.environ:
        os.environ[code_version.VERSION_VARIABLE] = json.dumps(code_version.ask_git())
    os.environ.setdefault(PREFIX_VARIABLE, sys.prefix)
    chosen = settings(config.get("tracking"))
    run, raw = os.environ[RUN_ID_VARIABLE], config.get("tracking") or {}
    _publisher = start_publisher(results_folder(config), run, raw)
    if chosen.is_on and chosen.mode == "online":
        require_tracker(config, chosen)
    with suppress(OSError):
        write_event(config, "start", **start_event(config))


def start_event(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the start event of a run."""
    run = os.environ[RUN_ID_VARIABLE]
    return {
        "id": run,
        "run": run,
        "rule": "workflow",
        "wildcards": {"run": run},
        "experiment": str(config.get("experiment", "default")),
        "params": dict(config),
        "code": code_version.read_version() | diff_on_request(config),
        **python_fields(),
        "packages": installed_packages(),
        "host": os.uname().nodename,
        "user": user_name(),
        "pid": os.getpid(),
    }


def diff_on_request(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the changes of tracked files if ``tracking.diff`` asks for them."""
    return {"diff": read_diff(Path.cwd())} if settings(config.get("tracking")).diff else {}


def finish(config: Mapping[str, Any], status: str) -> None:
    """End a run, send what its jobs left within the deadline, and print the outcome in a line."""
    summary = end_run(config, status)
    chosen = settings(config.get("tracking"))
    webhook_thread = start_webhook(config, chosen, status, summary)
    if chosen.is_on:
        seconds = chosen.deadline_seconds if status == "completed" else FAILED_RUN_SECONDS
        seconds = min(seconds, chosen.deadline_seconds)
        outcome = send_rest(config, seconds)
        print(f"tracking: {counts_sentence(*outcome)}", file=sys.stderr, flush=True)
    if webhook_thread:
        webhook_thread.join(WEBHOOK_SECONDS)


def end_run(config: Mapping[str, Any], status: str) -> RunSummary:
    """Write into the run's own log what its jobs found and how it ended; return the summary."""
    results, run, summary = results_folder(config), os.environ[RUN_ID_VARIABLE], RunSummary()
    with suppress(OSError):
        close_logs_of_dead_jobs(results, run)
    with suppress(Exception):  # whatever a log holds, the run gets its end
        summary = summarize_run(results, run)
        write_events(config, run_events(summary, config))
    with suppress(OSError):
        write_event(config, "end", status=status, error=reason_of(config, status))
    return summary


def send_rest(config: Mapping[str, Any], seconds: float) -> Outcome:
    """End the publisher, and return what it sent; if there is none, or it died, sync."""
    global _publisher
    publisher, _publisher = _publisher, None
    said = publisher.finish(seconds) if publisher else None
    return said or run_sync(results_folder(config), config.get("tracking") or {}, seconds)


def reason_of(config: Mapping[str, Any], status: str) -> str | None:
    """Return why a run did not complete: its failed jobs, each with its own reason."""
    if status == "completed":
        return None
    found = islice(failure_lines(results_folder(config) / "jobs"), MAX_FAILURES)
    reasons = "\n".join(line.removeprefix("error: ") for line in found)
    return reasons or "interrupted, or a job failed before it could say why"


def write_event(config: Mapping[str, Any], kind: str, **fields: Any) -> None:
    """Append an event to the run's own log."""
    write_events(config, [{"kind": kind, **fields}])


def write_events(config: Mapping[str, Any], found: Iterable[Event]) -> None:
    """Append events to the run's own log."""
    run = os.environ[RUN_ID_VARIABLE]
    log = EventLog(results_folder(config) / "jobs" / "workflow" / run / "attempts" / f"{run}.jsonl")
    with closing(log):
        for event in found:
            log.write(**event)


def results_folder(config: Mapping[str, Any]) -> Path:
    """Return the experiment's folder."""
    return Path(config.get("results") or Path("results", str(config.get("experiment", "default"))))


def start_webhook(
    config: Mapping[str, Any], chosen: Settings, status: str, summary: RunSummary
) -> Thread | None:
    """Post a run's summary in a thread, if there is a webhook."""
    url = os.environ.get(chosen.webhook_env or "")
    if not url:
        return None

    def tell() -> None:
        run, experiment = os.environ[RUN_ID_VARIABLE], results_folder(config).name
        failure = webhook.post(url, webhook.run_message(summary, experiment, run, status))
        if failure:
            print(f"tracking: the webhook failed: {failure}", file=sys.stderr, flush=True)

    thread = Thread(target=tell, daemon=True)
    thread.start()
    return thread


def require_tracker(config: Mapping[str, Any], chosen: Settings) -> None:
    """Raise UserError unless the tracker answers in time; the publisher ends then."""
    from slmrag.tracking.check import find_problem

    reason = find_problem(replace(chosen, experiment=str(config.get("experiment", "default"))))
    if reason:
        if _publisher:
            _publisher.kill()
        raise UserError(f"tracking.mode is online, but {reason}")
