"""How this run's jobs failed, from their events: which, why, and which a retry cannot help."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RUN = "SLMRAG_RUN_ID"

DETERMINED = frozenset(
    {
        "prepare_corpus",
        "prepare_dataset",
        "audit_dataset",
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


def repeated_mistake(rule: str, folder: Path) -> str | None:
    """Return the user's mistake that this run met in the job before and would only meet again.

    ``folder`` is the job's. None where a retry may help, and for the job's first attempt.
    """
    end = _end(folder) if rule in DETERMINED else {}
    return str(end.get("error")) if end.get("mistake") else None


def failures(jobs: Path) -> Iterator[str]:
    """Yield a line for each job below the folder that failed in this run: which, and why."""
    for events in sorted(jobs.rglob("events.jsonl")):
        end = _end(events.parent)
        if end.get("status") == "failed":
            why = str(end.get("error") or "no reason given").splitlines()[0]
            yield f"error: {events.parent.relative_to(jobs)}: {why}"


def _end(folder: Path) -> dict[str, Any]:
    """Return the last event of a job of this run; empty where it has none, or no name."""
    run = os.environ.get(RUN)
    try:
        lines = (folder / "events.jsonl").read_text().splitlines()
        first, last = json.loads(lines[0]), json.loads(lines[-1])
    except (OSError, ValueError, IndexError):
        return {}
    return last if run and first.get("run") == run else {}
