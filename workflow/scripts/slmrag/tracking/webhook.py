"""Posts a run's summary to a webhook, whose address is a secret and never an argument.

``python -m slmrag.tracking.webhook`` reads the address and the summary as two lines of JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from slmrag.config.redaction import MASK, redact, redact_values
from slmrag.tracking.run_summary import RunSummary
from slmrag.tracking.sync_process import python_path

TIMEOUT_SECONDS = 4.0


def run_message(summary: RunSummary, experiment: str, run: str, status: str) -> dict[str, Any]:
    """Return how a run ended: its jobs by status, failures, alerts and results."""
    counts = f"{len(summary.jobs)} jobs, {len(summary.failed)} not completed"
    unread = {"unread": summary.unread} if summary.unread else {}
    return {
        "text": f"{experiment}: {status}, {counts}, {len(summary.alerts)} alerts",
        "experiment": experiment,
        "run": run,
        "status": status,
        "jobs": summary.by_status,
        "failed": [job.name for job in summary.failed],
        "alerts": [message for _, message in summary.alerts],
        "results": {job.name: job.singles for job in summary.jobs if job.singles},
        **unread,
    }


def post(url: str, message: Mapping[str, Any]) -> str | None:
    """Post a run's message from a process with a timeout; return why it failed, or None."""
    command = [sys.executable, "-P", "-m", "slmrag.tracking.webhook"]
    try:
        if message["status"] == "completed" and not message["jobs"]:
            return None  # nothing was to be done, or a sync
        body = json.dumps(redact_values(message))
        done = subprocess.run(
            command,
            input=f"{json.dumps(url)}\n{body}\n",
            text=True,
            capture_output=True,
            timeout=TIMEOUT_SECONDS + 1,
            env={**os.environ, "PYTHONPATH": python_path()},
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {TIMEOUT_SECONDS:g} s"
    except Exception as error:
        return type(error).__name__
    return done.stdout.strip() or None if done.returncode else None


def main() -> None:
    """Post the summary; on failure print why, without the address."""
    from urllib.request import Request, urlopen

    url, body = json.loads(sys.stdin.readline()), sys.stdin.readline().encode()
    try:
        request = Request(url, body, {"Content-Type": "application/json"}, method="POST")
        urlopen(request, timeout=TIMEOUT_SECONDS).close()
    except Exception as error:
        print(redact(f"{type(error).__name__}: {error}".replace(url, MASK)).split("\n")[0])
        sys.exit(1)


if __name__ == "__main__":
    main()
