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

from slmrag.tracking.start_publisher import python_path

KEPT_WORDS = "kept for `snakemake -c1 sync_tracking`"

COUNT_WORDS = {
    "sent": "{} tasks sent",
    "sessions": "{} offline sessions written",
    "kept": f"{{}} {KEPT_WORDS}",
    "busy": "{} being sent by another process",
    "running": "{} still running",
}


def run_sync(
    results: Path, raw: Mapping[str, Any], seconds: float
) -> tuple[dict[str, int], str | None]:
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
            with suppress(ValueError):
                return parse_counts(late.stdout or b"")[0], f"stopped after {seconds:.0f} s"
            return {}, f"not finished after {seconds:.0f} s; all is {KEPT_WORDS}"
        except (OSError, ValueError):
            return {}, f"the sender failed; all is {KEPT_WORDS}"


def parse_counts(output: bytes) -> tuple[dict[str, int], str | None]:
    """Return counts and failure from the last whole line; ValueError if there is none."""
    answer = json.loads(output[: output.rindex(b"\n")].splitlines()[-1])
    return answer["counts"], answer["failure"]


def counts_sentence(counts: Mapping[str, int], failure: str | None) -> str:
    """Return a sentence on what was sent and what was kept."""
    parts = [COUNT_WORDS[key].format(number) for key, number in counts.items() if number]
    return "; ".join([", ".join(parts) or "nothing sent", *([failure] if failure else [])])
