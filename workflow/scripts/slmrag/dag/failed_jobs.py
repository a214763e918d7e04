"""How this run's jobs failed, from their events: which, why, and which a retry cannot help."""

import os
from collections.abc import Iterator
from pathlib import Path

from slmrag.job.attempts import Attempt
from slmrag.job.events import Event

RUN_ID_VARIABLE = "SLMRAG_RUN_ID"

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
"""Rules whose mistakes are those of the data or the config, and so are there again at a retry.

Not those with an engine: what it refuses may be a matter of memory or of the node.
"""


def repeated_failure(rule: str, folder: Path) -> str | None:
    """Return the user's mistake that this run met in the job before and would only meet again.

    ``folder`` is the job's. None where a retry may help, and for the job's first attempt.
    """
    end = _end_event(folder) if rule in DETERMINISTIC_RULES else {}
    return str(end.get("error")) if end.get("mistake") else None


def failure_lines(jobs: Path) -> Iterator[str]:
    """Yield a line for each job below the folder that failed in this run: which, and why."""
    for events in sorted(jobs.rglob("events.jsonl")):
        end = _end_event(events.parent)
        if end.get("status") == "failed":
            why = str(end.get("error") or "no reason given").splitlines()[0]
            yield f"error: {events.parent.relative_to(jobs)}: {why}"


def _end_event(folder: Path) -> Event:
    """Return the last event of a job of this run; empty where it has none, or no name."""
    latest, run = Attempt(folder / "events.jsonl"), os.environ.get(RUN_ID_VARIABLE)
    try:
        start = latest.start() or {}
        return latest.end() if run and start.get("run") == run else {}
    except OSError:
        return {}
