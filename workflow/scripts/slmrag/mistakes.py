"""How a job's last attempt ended, from its events: over a mistake that will be there again?"""

import json
import os
from pathlib import Path

RUN = "SLMRAG_RUN_ID"


def ended_by_mistake(folder: Path) -> bool:
    """Say whether the job of this folder ended in this run over a mistake of the user's."""
    try:
        lines = (folder / "events.jsonl").read_text().splitlines()
        first, last = json.loads(lines[0]), json.loads(lines[-1])
    except (OSError, ValueError, IndexError):
        return False
    return first.get("run") == os.environ.get(RUN) and bool(last.get("mistake"))
