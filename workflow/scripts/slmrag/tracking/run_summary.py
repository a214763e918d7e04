"""How a run of the workflow ended: its jobs, failures, alerts, numbers and peaks."""

import calendar
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from slmrag.job.attempts import MAINTENANCE_RULES, Attempt
from slmrag.job.events import Event, read_kinds
from slmrag.tracking.naming import task_name

REPORT_RULE = "report_comparison"
SUMMARY_SECONDS = 2.0
"""Time for reading the jobs' logs: a run never waits longer for its summary."""
CLOCK_SECONDS = 86_400
"""Attempts that began so long before a run, by another machine's clock, are of an earlier run."""
TIME_OF_ID = re.compile(r"\d{8}T\d{6}Z(?=-)")


@dataclass(frozen=True)
class JobSummary:
    """A job of a run: its last attempt, and the alerts of all of them."""

    attempt: Attempt
    start: Event
    status: str
    singles: dict[str, Any] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    alerts: list[tuple[str, str]] = field(default_factory=list)
    """Name and sentence of each, once."""

    @property
    def name(self) -> str:
        """Rule and wildcards."""
        return task_name(self.start)


@dataclass(frozen=True)
class RunSummary:
    """The jobs of a run, and how many logs could not be read in time."""

    jobs: list[JobSummary] = field(default_factory=list)
    unread: int = 0

    def of_rule(self, rule: str) -> Iterator[JobSummary]:
        """Yield the jobs of a rule."""
        return (job for job in self.jobs if job.start["rule"] == rule)

    @property
    def by_status(self) -> dict[str, int]:
        """The number of jobs with each status."""
        return dict(Counter(job.status for job in self.jobs))

    @property
    def failed(self) -> list[JobSummary]:
        """The jobs whose last attempt did not complete."""
        return [job for job in self.jobs if job.status != "completed"]

    @property
    def alerts(self) -> list[tuple[str, str]]:
        """Name and sentence of each job's alerts; the sentence begins with the job's name."""
        return [
            (name, f"{job.name}: {message}") for job in self.jobs for name, message in job.alerts
        ]


def summarize_run(results: Path, run: str, seconds: float = SUMMARY_SECONDS) -> RunSummary:
    """Read how the jobs of a run ended, the report's first; what is not read in time is counted."""
    deadline = time.monotonic() + seconds
    found: list[JobSummary] = []
    unread = 0
    for attempt in attempts_since(results, run):
        if time.monotonic() > deadline:
            unread += 1
            continue
        with suppress(OSError, KeyError):  # a log that is gone, or not ours
            found += summarize_attempt(attempt, run)
    found.sort(key=lambda job: (str(folder_of(job)), job.start.get("time", 0)))
    return RunSummary([last_of(list(same)) for _, same in groupby(found, folder_of)], unread)


def attempts_since(results: Path, run: str) -> list[Attempt]:
    """Return the attempts that may be of a run, by the times in their names."""
    jobs = results / "jobs"
    found = [path for path in jobs.glob("**/attempts/*.jsonl") if not is_before(path.stem, run)]
    ranks = {REPORT_RULE: 0, "workflow": 2}
    return [
        Attempt(path)
        for path in sorted(found, key=lambda p: (ranks.get(p.relative_to(jobs).parts[0], 1), p))
    ]


def is_before(attempt: str, run: str) -> bool:
    """Return whether an attempt began clearly before a run, as far as both names have a time."""
    times = [TIME_OF_ID.match(name) for name in (attempt, run)]
    seconds = [calendar.timegm(time.strptime(one[0], "%Y%m%dT%H%M%SZ")) for one in times if one]
    return len(seconds) == 2 and seconds[0] < seconds[1] - CLOCK_SECONDS


def summarize_attempt(attempt: Attempt, run: str) -> Iterable[JobSummary]:
    """Return the summary of an attempt of a job if it is of a run."""
    start = attempt.start() or {}
    if start.get("run") != run or start["rule"] in ("workflow", *MAINTENANCE_RULES):
        return []
    events = list(read_kinds(attempt.path, ("single", "alert", "end")))
    end = next((event for event in reversed(events) if event["kind"] == "end"), {})
    singles = {e["name"]: e["value"] for e in events if e["kind"] == "single"}
    alerts = [(str(e["name"]), str(e["message"])) for e in events if e["kind"] == "alert"]
    status, peak = str(end.get("status", "running")), end.get("peak") or {}
    return [JobSummary(attempt, start, status, singles, peak, alerts)]


def folder_of(job: JobSummary) -> Path:
    """Return the folder of a job, which all its attempts share."""
    return job.attempt.path.parents[1]


def last_of(attempts: list[JobSummary]) -> JobSummary:
    """Return the last attempt of a job with the alerts of all."""
    last = attempts[-1]
    alerts = list(dict.fromkeys(alert for one in attempts for alert in one.alerts))
    return JobSummary(last.attempt, last.start, last.status, last.singles, last.peak, alerts)
