"""A whole run of 20 models x 10 data sets x 10 modes with the echo engine: does it end, and when.

Prints the run's seconds, the peak memory of its largest process, and the seconds of a dry run
before (the whole plan) and after (nothing to be done). ``--models``, ``--datasets`` and ``--modes``
make it smaller: the plan's seconds a job should not grow with the grid.
"""

import argparse
import csv
import json
import os
import resource
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.workflow.bench_dry_run import config, jobs_of, snakemake  # noqa: E402

QUESTIONS = 5


def prepare(folder: Path, given: argparse.Namespace) -> None:
    """Write the config and a file of questions."""
    tables = config(given.models, given.datasets, given.modes)
    tables["generation"] = {"batch": given.batch}
    tables["metrics"] = {"bootstrap": 1000}
    (folder / "config.yaml").write_text(yaml.safe_dump(tables))
    rows = [{"question": f"What is word {n}?", "answers": [f"word {n}"]} for n in range(QUESTIONS)]
    (folder / "raw.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def finished(folder: Path) -> int:
    """Return how many cells stand in the report's table."""
    with open(folder / "results/grid/report/comparison.csv", newline="") as file:
        return sum(1 for _ in csv.DictReader(file))


def main() -> None:
    """Print the figures of one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, number in (("models", 20), ("datasets", 10), ("modes", 10)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--batch", choices=("model", "cell"), default="model")
    given = parser.parse_args()
    wanted = given.models * given.datasets * given.modes
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base)
        prepare(folder, given)
        args = (ROOT / "Snakefile", "--configfile", "config.yaml")
        planned, said = snakemake(folder, *args, "-n")
        jobs = len(jobs_of(said))
        seconds, _ = snakemake(folder, *args, "--cores", str(os.cpu_count()))
        again, said = snakemake(folder, *args, "-n")
        if finished(folder) != wanted or "Nothing to be done" not in said:
            sys.exit(f"{finished(folder)} of {wanted} cells are done; {said[-2000:]}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{wanted} cells, {jobs} jobs: planned in {planned:.1f} s, finished in {seconds:.0f} s "
        f"({seconds / jobs:.2f} s a job), largest process {peak:.0f} MB, "
        f"nothing to be done said in {again:.1f} s ({os.cpu_count()} cores)"
    )


if __name__ == "__main__":
    main()
