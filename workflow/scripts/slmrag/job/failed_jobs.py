"""The failed jobs of this run, from their events: which, why, and whether a retry may help."""

import os
from collections.abc import Iterator
from pathlib import Path

from slmrag.job.attempts import RUN_ID_VARIABLE, Attempt
from slmrag.job.events import Event

DETERMINISTIC_RULES = frozenset(
    {
        "prepare_corpus",
        "prepare_dataset",
        "audit_coverage",
        "build_prompts",
        "score_answers",
        "report_comparison",
        "verify",
        "compare",
    }
)
"""Rules whose user errors come from the data or the config, so that a retry meets them again.

Rules with an engine are not among them: its errors may depend on memory or on the node.
"""


def repeated_failure(rule: str, folder: Path) -> str | None:
    """Return the user error of the job's last attempt in this run, if a retry would meet it again.

    ``folder`` is the job's. None if a retry may help, and for the job's first attempt.
    """
    end = _end_event(folder) if rule in DETERMINISTIC_RULES else {}
    return str(end.get("error")) if end.get("mistake") else None


def failure_lines(jobs: Path) -> Iterator[str]:
    """Yield a line for each job below the folder that failed in this run: its name and why."""
    for events in sorted(jobs.rglob("events.jsonl")):
        end = _end_event(events.parent)
        if end.get("status") == "failed":
            why = str(end.get("error") or "no reason given").splitlines()[0]
            yield f"error: {events.parent.relative_to(jobs)}: {why}"


def _end_event(folder: Path) -> Event:
    """Return the end event of a job's last attempt if that is of this run; else empty."""
    latest, run = Attempt(folder / "events.jsonl"), os.environ.get(RUN_ID_VARIABLE)
    try:
        start = latest.start() or {}
        return latest.end_event() if run and start.get("run") == run else {}
    except OSError:
        return {}
