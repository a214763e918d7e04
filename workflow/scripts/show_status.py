"""Say which cells are done, running, stale or missing, and how large the results are."""

from collections import Counter
from pathlib import Path

from slmrag.housekeeping import readable, size
from slmrag.job import run_job
from slmrag.planning import plan
from slmrag.progress import terminal


def main(input, output, params):
    """Print a count of cells by state, and the cells that are not done."""
    results = Path(params.results)
    planned = {name for job in plan(params.command) for name in job.outputs}
    active = running(results)
    states = {cell: state(results, cell, planned, active) for cell in params.cells}
    counts = Counter(states.values())
    print(", ".join(f"{counts[name]} {name}" for name in STATES), file=terminal())
    for cell, what in states.items():
        if what != "done":
            print(f"  {what:8} {cell}", file=terminal())
    for folder in (results, Path("resources")):
        print(f"{folder}: {readable(size(folder))}", file=terminal())
    return dict(counts)


STATES = ("done", "running", "stale", "missing")


def state(results, cell, planned, active):
    """Return one of STATES for the cell ``model/dataset/mode``."""
    score = results / "scores" / f"{cell}.json"
    if any(f"{cell}/".startswith(f"{job}/") for job in active):
        return "running"
    if not score.exists():
        return "missing"
    return "stale" if str(score) in planned else "done"


def running(results):
    """Return the wildcards, joined by slashes, of generations and scorings that are at work."""
    from slmrag.tracking.attempts import find, rule

    rules = ("generate_answers", "score_answers")
    mine = (attempt for attempt in find(results) if rule(attempt) in rules)
    live = (attempt for attempt in mine if not attempt.ended() and not attempt.dead())
    return {"/".join(attempt.start()["wildcards"].values()) for attempt in live}


if __name__ == "__main__":
    run_job(snakemake, main)  # noqa: F821
