"""Runs ``sync`` in a process of its own, with a deadline."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

Outcome = tuple[dict[str, int], str | None]
SCRIPTS = Path(__file__).resolve().parents[2]
KEPT_WORDS = "kept for `snakemake -c1 sync_tracking`"

COUNT_WORDS = {
    "sent": "sent",
    "kept": KEPT_WORDS,
    "busy": "being sent by another process",
    "running": "still running",
}


def python_path() -> str:
    """Return the PYTHONPATH on which a child process finds this package."""
    return os.pathsep.join(filter(None, [str(SCRIPTS), os.environ.get("PYTHONPATH")]))


def run_sync(results: Path, raw: Mapping[str, Any], seconds: float) -> Outcome:
    """Return the counts of ``sync`` and its first failure; it is killed after ``seconds``.

    Its temporary files are removed with it.
    """
    command = [sys.executable, "-P", "-m", "slmrag.tracking.sync", str(results)]
    with tempfile.TemporaryDirectory(prefix="slmrag-sync-", ignore_cleanup_errors=True) as scratch:
        try:
            done = subprocess.run(
                command,
                input=json.dumps(dict(raw), default=str).encode() + b"\n",
                capture_output=True,
                timeout=seconds,
                env={**os.environ, "PYTHONPATH": python_path(), "TMPDIR": scratch},
                start_new_session=True,
            )
            return parse_counts(done.stdout)
        except subprocess.TimeoutExpired as late:
            return outcome_of_stopped(late.stdout or b"", seconds)
        except (OSError, ValueError):
            return {}, f"the sender failed; all is {KEPT_WORDS}"


def outcome_of_stopped(output: bytes, seconds: float) -> Outcome:
    """Return what a process had done that was stopped after so many seconds."""
    with suppress(ValueError):
        return parse_counts(output)[0], f"stopped after {seconds:.0f} s"
    return {}, f"not finished after {seconds:.0f} s; what is left is {KEPT_WORDS}"


def parse_counts(output: bytes) -> Outcome:
    """Return counts and failure from the last whole line; ValueError if there is none."""
    answer = json.loads(output[: output.rindex(b"\n")].splitlines()[-1])
    return answer["counts"], answer["failure"]


def counts_sentence(counts: Mapping[str, int], failure: str | None) -> str:
    """Return a sentence on what was sent and what was kept."""
    parts = [f"{count_tasks(n)} {COUNT_WORDS[key]}" for key, n in counts.items() if n]
    return "; ".join([", ".join(parts) or "nothing sent", *([failure] if failure else [])])


def count_tasks(number: int) -> str:
    """Return a number of tasks in words."""
    return "1 task" if number == 1 else f"{number} tasks"
