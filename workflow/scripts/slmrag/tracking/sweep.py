"""Send what was kept from a process of its own, which a deadline ends."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrag.tracking.launch import python_path

WORDS = {
    "sent": "{} tasks sent",
    "sessions": "{} offline sessions written",
    "kept": "{} kept for `snakemake sync_tracking`",
    "busy": "{} in another process's hands",
    "running": "{} not ended",
}


def sweep(
    results: Path, raw: Mapping[str, Any], seconds: float
) -> tuple[dict[str, int], str | None]:
    """Return the counts of ``sync`` and its first failure; it is killed after ``seconds``."""
    command = [sys.executable, "-P", "-m", "slmrag.tracking.sync", str(results)]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(dict(raw), default=str) + "\n",
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, "PYTHONPATH": python_path()},
            start_new_session=True,
        )
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {}, f"no end after {seconds:.0f} s; the rest is kept for `snakemake sync_tracking`"
    except (OSError, ValueError, IndexError):
        return {}, "the sender failed; all is kept for `snakemake sync_tracking`"
    return answer["counts"], answer["failure"]


def sentence(counts: Mapping[str, int], failure: str | None) -> str:
    """Return what was sent and what was kept."""
    parts = [WORDS[key].format(number) for key, number in counts.items() if number]
    return "; ".join([", ".join(parts) or "nothing sent", *([failure] if failure else [])])
