"""Which cells are done, running, stale or missing, and how large the folders are."""

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from slmrag.dag.disk_usage import readable, size
from slmrag.dag.dry_run import plan

STATES = ("done", "running", "stale", "missing")
AT_WORK = ("generate_answers", "score_answers")


def describe(
    results: Path, cells: Iterable[str], arguments: Sequence[str], typed_in: Path | None = None
) -> str:
    """Return a count of cells by state, and the cells that are not done.

    ``arguments`` are Snakemake's without a target, as they were typed in a folder.
    """
    command = [sys.executable, "-m", "snakemake", "--dry-run", *arguments]
    planned = {name for job in plan(command, typed_in) for name in job.outputs}
    active = running(results)
    states = {cell: state(results, cell, planned, active) for cell in cells}
    counts = Counter(states.values())
    return "\n".join(
        [
            ", ".join(f"{counts[name]} {name}" for name in STATES),
            *(f"  {what:8} {cell}" for cell, what in states.items() if what != "done"),
            *(f"{folder}: {readable(size(folder))}" for folder in (results, Path("resources"))),
        ]
    )


def state(results: Path, cell: str, planned: Collection[str], active: Iterable[str]) -> str:
    """Return one of STATES for the cell ``model/dataset/mode``."""
    score = results / "scores" / f"{cell}.json"
    if any(f"{cell}/".startswith(f"{job}/") for job in active):
        return "running"
    if not score.exists():
        return "missing"
    return "stale" if str(score) in planned else "done"


def running(results: Path) -> set[str]:
    """Return the wildcards, joined by slashes, of generations and scorings that are at work."""
    from slmrag.job.attempts import find, rule

    mine = (attempt for attempt in find(results) if rule(attempt) in AT_WORK)
    live = (attempt for attempt in mine if not attempt.ended() and not attempt.dead())
    return {"/".join(attempt.start()["wildcards"].values()) for attempt in live}
