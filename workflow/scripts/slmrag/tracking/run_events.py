"""What the run's own task shows of its jobs, so that one row says which run was better."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slmrag.job.events import Event, read_kinds
from slmrag.tracking.naming import GB
from slmrag.tracking.run_summary import REPORT_RULE, JobSummary, RunSummary

REPORT_KINDS = ("single", "table", "plot", "note", "artifact")
REPORT_FILES = {"html": "report", "csv": "comparison"}
"""The report's files that the run has too, under names of their own."""
ENGINE_TIMES = ("engine_start_seconds", "generation_seconds")
MAX_ALERTS = 100


def run_events(summary: RunSummary, config: Mapping[str, Any]) -> Iterator[Event]:
    """Yield the events of a run's own log at its end: results, counts, peaks, alerts."""
    if not summary.jobs:
        return
    reports = [job for job in summary.of_rule(REPORT_RULE) if job.status == "completed"]
    yield from report_events(reports[-1]) if reports else score_events(summary, config)
    for name, value in run_numbers(summary).items():
        yield {"kind": "single", "name": name, "value": value}
    yield from alert_events(summary)


def report_events(report: JobSummary) -> Iterator[Event]:
    """Yield what the report's job reported: numbers, tables, plots, note, page and comparison."""
    for event in read_kinds(report.attempt.path, REPORT_KINDS):
        own = {name: value for name, value in event.items() if name != "time"}
        if event["kind"] != "artifact":
            yield own
        elif name := REPORT_FILES.get(str(event.get("name"))):
            yield own | {"name": name}


def score_events(summary: RunSummary, config: Mapping[str, Any]) -> Iterator[Event]:
    """Yield the primary metric of each cell, named as a report would name it."""
    primary = (config.get("metrics") or {}).get("primary") or "token_recall"
    for job in summary.of_rule("score_answers"):
        for full, value in job.singles.items():
            metric, _, cell = full.partition("/")
            if metric == primary and cell:
                model = job.start["wildcards"].get("model", "")
                yield {"kind": "single", "name": f"{metric} {model}/{cell}", "value": value}


def run_numbers(summary: RunSummary) -> dict[str, float]:
    """Return counts, peaks in GB and times of a run; what is not known is left out."""
    generated = list(summary.of_rule("generate_answers"))
    known: dict[str, float | None] = {
        "jobs": len(summary.jobs),
        "failed_jobs": len(summary.failed),
        "alerts": len(summary.alerts),
        "jobs_not_summed": summary.unread or None,
        "peak_cpu_gb": in_gb(largest(summary, "rss_bytes")),
        "peak_gpu_gb": in_gb(largest(summary, "gpu_bytes")),
        "generated_answers": total(generated, lambda job: [job.singles.get("generated")]),
        "engine_seconds": total(generated, lambda job: map(job.singles.get, ENGINE_TIMES)),
    }
    return {name: value for name, value in known.items() if value is not None}


def largest(summary: RunSummary, kind: str) -> float | None:
    """Return the largest peak of any job, None if none is known."""
    return max((job.peak[kind] for job in summary.jobs if job.peak.get(kind)), default=None)


def in_gb(number: float | None) -> float | None:
    """Return bytes as GB of 10^9 bytes."""
    return None if number is None else round(number / GB, 3)


def total(jobs: list[JobSummary], values: Callable[[JobSummary], Any]) -> float | None:
    """Return the sum of the numbers of jobs, None if there are none."""
    found = [value for job in jobs for value in values(job) if isinstance(value, int | float)]
    return round(sum(found), 3) if found else None


def alert_events(summary: RunSummary) -> Iterator[Event]:
    """Yield the alerts of all jobs up to a bound, and one that counts the rest."""
    alerts = summary.alerts
    for name, message in alerts[:MAX_ALERTS]:
        yield {"kind": "alert", "name": name, "message": message}
    if alerts[MAX_ALERTS:]:
        message = f"{len(alerts) - MAX_ALERTS} more alerts are in the events of the jobs"
        yield {"kind": "alert", "name": "more_alerts", "message": message}
