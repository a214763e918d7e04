"""What a job costs outside its own work: interpreter, imports, run_job.

A whole run of the tests' tiny project (five questions, echo engine), whose jobs have next to
nothing to do: the seconds of each job's process in Snakemake's benchmark files bound it from above.
"""

import csv
import os
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.workflow.project import make_project  # noqa: E402

LIMIT = 1.0
OTHER_WORK = {"report_comparison"}


def seconds(folder: Path) -> dict[str, float]:
    """Return rule -> median seconds of its jobs."""
    found: dict[str, list[float]] = {}
    for path in folder.rglob("*.tsv"):
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        found.setdefault(rule, []).extend(float(row["s"]) for row in rows)
    return {rule: statistics.median(values) for rule, values in sorted(found.items())}


def main() -> None:
    """Print each rule's seconds and the slowest of those that draw no report."""
    with tempfile.TemporaryDirectory() as base:
        project = make_project(Path(base, "project"))
        project.snakemake("--cores", "1")
        measured = seconds(project.folder / "benchmarks")
    for rule, value in measured.items():
        print(f"{rule:20} {value:.2f} s")
    slowest = max(value for rule, value in measured.items() if rule not in OTHER_WORK)
    print(f"slowest job: {slowest:.2f} s, at most {LIMIT} wanted ({os.cpu_count()} cores)")


if __name__ == "__main__":
    main()
