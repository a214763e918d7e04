"""Which cells are done, running, stale or missing, and how large the folders are.

``make status``, or ``python -m slmrag.dag.status ARGUMENTS OF SNAKEMAKE`` (without a target).
"""

import csv
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slmrag.dag.disk_usage import readable_bytes, total_bytes
from slmrag.errors import UserError

STATES = ("done", "running", "stale", "missing")
RULES_WITH_CELLS = ("generate_answers", "score_answers")
SCORING_RULE = "score_answers"

Row = Mapping[str, str]
"""A row of `snakemake --summary`: output_file, rule, status, plan, …"""


def describe_status(rows: Iterable[Row]) -> str:
    """Return a count of cells by state, the cells that are not done, and the folders' sizes.

    The files are looked up in the current folder.
    """
    scores = {Path(row["output_file"]): row for row in rows if row["rule"] == SCORING_RULE}
    scores = {path: row for path, row in scores.items() if path.suffix == ".json"}
    folders = {path.parents[3] for path in scores}
    active = {job for folder in folders for job in running_jobs(folder)}
    states = {cell_of(path): cell_state(row, cell_of(path), active) for path, row in scores.items()}
    counts = Counter(states.values())
    return "\n".join(
        [
            ", ".join(f"{counts[name]} {name}" for name in STATES),
            *(f"  {what:8} {cell}" for cell, what in sorted(states.items()) if what != "done"),
            *(
                f"{folder}: {readable_bytes(total_bytes(folder))}"
                for folder in (*folders, Path("resources"))
            ),
        ]
    )


def cell_of(score: Path) -> str:
    """Return the cell ``model/dataset/mode`` of its file of scores."""
    return "/".join(score.with_suffix("").parts[-3:])


def cell_state(row: Row, cell: str, active: Iterable[str]) -> str:
    """Return the state of a cell (one of STATES), from the row of its scores."""
    if any(f"{cell}/".startswith(f"{job}/") for job in active):
        return "running"
    if row["status"] == "missing":
        return "missing"
    return "done" if row["plan"] == "no update" else "stale"


def running_jobs(results: Path) -> set[str]:
    """Return the wildcards, joined by slashes, of generations and scorings that are at work."""
    from slmrag.job.attempts import find_attempts, rule_of

    mine = (attempt for attempt in find_attempts(results) if rule_of(attempt) in RULES_WITH_CELLS)
    live = (attempt for attempt in mine if not attempt.has_ended() and not attempt.is_dead())
    starts = filter(None, (attempt.start() for attempt in live))
    return {"/".join(start["wildcards"].values()) for start in starts}


def snakemake_summary(arguments: Sequence[str]) -> list[Row]:
    """Return Snakemake's table of the comparison's files; UserError with its output if it fails.

    ``snakemake --help`` lists the columns. It needs no lock, so a run may be active.
    """
    command = [sys.executable, "-m", "snakemake", "--summary", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError((done.stdout + done.stderr).strip())
    return [*csv.DictReader(done.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)]


def main(arguments: Sequence[str]) -> None:
    """Print the state of the cells of a command line's config, in its folder."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--directory", "-d", default=".")
    rows = snakemake_summary(arguments)
    os.chdir(parser.parse_known_args(arguments)[0].directory)
    print(describe_status(rows))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(str(error))
