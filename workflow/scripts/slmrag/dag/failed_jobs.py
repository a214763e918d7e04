"""How a job's last attempt ended, from its events: over a mistake that will be there again?"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RUN = "SLMRAG_RUN_ID"


def ended_by_mistake(folder: Path) -> bool:
    """Say whether the job of this folder ended in this run over a mistake of the user's."""
    return bool(_end(folder).get("mistake"))


def failures(jobs: Path) -> Iterator[str]:
    """Yield a line for each job below the folder that failed in this run: which, and why."""
    for events in sorted(jobs.rglob("events.jsonl")):
        end = _end(events.parent)
        if end.get("status") == "failed":
            why = str(end.get("error") or "no reason given").splitlines()[0]
            yield f"error: {events.parent.relative_to(jobs)}: {why}"


def _end(folder: Path) -> dict[str, Any]:
    """Return the last event of a job of this run; empty where it has none."""
    try:
        lines = (folder / "events.jsonl").read_text().splitlines()
        first, last = json.loads(lines[0]), json.loads(lines[-1])
    except (OSError, ValueError, IndexError):
        return {}
    return last if first.get("run") == os.environ.get(RUN) else {}
