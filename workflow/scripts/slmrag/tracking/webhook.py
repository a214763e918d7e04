"""A run's summary for a webhook; the address is a secret and never an argument.

``python -m slmrag.tracking.webhook`` reads the address and the summary as two lines of JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from slmrag.tracking.attempts import Attempt, find, is_run
from slmrag.tracking.naming import task_name

SECONDS = 8


def summary(results: Path, run: str, status: str) -> dict[str, Any]:
    """Return how a run ended: its jobs by status, failures, alerts and results."""
    jobs = [job for job in map(told, find(results)) if job and job["run"] == run]
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job["status"]] = counts.get(job["status"], 0) + 1
    failed = [job["name"] for job in jobs if job["status"] != "completed"]
    alerts = [f"{job['name']}: {message}" for job in jobs for message in job["alerts"]]
    text = f"{results.name}: {status}, {len(jobs)} jobs, {len(failed)} not completed"
    return {
        "text": f"{text}, {len(alerts)} alerts",
        "experiment": results.name,
        "run": run,
        "status": status,
        "jobs": counts,
        "failed": failed,
        "alerts": alerts,
        "results": {job["name"]: job["results"] for job in jobs if job["results"]},
    }


def told(attempt: Attempt) -> dict[str, Any] | None:
    """Return what an attempt's log says in short, None for a whole run or an empty log."""
    start = attempt.start()
    if start is None or is_run(attempt):
        return None
    events, offset = [], 0
    while True:
        more, offset = attempt.read(offset)
        if not more:
            break
        events += more
    ends = [event["status"] for event in events if event["kind"] == "end"]
    return {
        "name": task_name(start),
        "run": start.get("run"),
        "status": ends[-1] if ends else "running",
        "alerts": [event["message"] for event in events if event["kind"] == "alert"],
        "results": {e["name"]: e["value"] for e in events if e["kind"] == "single"},
    }


def main() -> None:
    """Post the summary."""
    url, body = json.loads(sys.stdin.readline()), sys.stdin.readline().encode()
    request = Request(url, body, {"Content-Type": "application/json"}, method="POST")
    urlopen(request, timeout=SECONDS).close()


if __name__ == "__main__":
    main()
