"""Send what was kept from a process of its own, which a deadline ends."""

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

KEPT = "kept for `snakemake -c1 sync_tracking`"

WORDS = {
    "sent": "{} tasks sent",
    "sessions": "{} offline sessions written",
    "kept": f"{{}} {KEPT}",
    "busy": "{} in another process's hands",
    "running": "{} not ended",
}


def run_sync(
    results: Path, raw: Mapping[str, Any], seconds: float
) -> tuple[dict[str, int], str | None]:
    """Return the counts of ``sync`` and its first failure; it is killed after ``seconds``.

    What it wrote to the folder for temporary files goes with it.
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
            return {}, f"no end after {seconds:.0f} s; all is {KEPT}"
        except (OSError, ValueError):
            return {}, f"the sender failed; all is {KEPT}"


def parse_counts(output: bytes) -> tuple[dict[str, int], str | None]:
    """Return counts and failure of the last whole line; ValueError if there is none."""
    answer = json.loads(output[: output.rindex(b"\n")].splitlines()[-1])
    return answer["counts"], answer["failure"]


def sentence(counts: Mapping[str, int], failure: str | None) -> str:
    """Return what was sent and what was kept."""
    parts = [WORDS[key].format(number) for key, number in counts.items() if number]
    return "; ".join([", ".join(parts) or "nothing sent", *([failure] if failure else [])])
