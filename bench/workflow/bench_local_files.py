"""What a dry run costs over local sources that did not change: a large file, and many small ones.

Prints the seconds of the first plan, which reads them, and what later plans cost beside those of a
project without them, by wall and by CPU: medians of five in turns.
"""

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
PAIRS = 5

from tests.workflow.project import Project, make_project  # noqa: E402


def planned(project: Project) -> tuple[float, float]:
    """Return the seconds of a dry run: by wall, and of its processes."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    project.snakemake("-n", env={**os.environ})  # with variables it is a process of its own
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, worked


def with_sources(folder: Path, gigabytes: float, files: int) -> Project:
    """Return a project whose config names a large file and a folder of many small ones."""
    project = make_project(
        folder, objects={"large": {"uri": "data/large"}, "many": {"uri": "data/many/"}}
    )
    with open(folder / "data/large", "wb") as large:
        large.truncate(int(gigabytes * 1e9))
    (folder / "data/many").mkdir()
    for number in range(files):
        (folder / f"data/many/{number}.txt").write_text(str(number))
    for path in (folder / "data").rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return project


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--files", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bare = make_project(Path(folder, "bare"))
        full = with_sources(Path(folder, "full"), given.gigabytes, given.files)
        first = planned(full)
        pairs = [(planned(full), planned(bare)) for _ in range(PAIRS)]
    print(f"{given.gigabytes:g} GB and {given.files:,} small files: first plan {first[0]:.1f} s")
    for place, what in enumerate(("wall", "CPU")):
        more = [one[place] - other[place] for one, other in pairs]
        low, middle, high = min(more), statistics.median(more), max(more)
        base = statistics.median(other[place] for _, other in pairs)
        print(f"later plans by {what}: {middle:+.2f} s ({low:+.2f} to {high:+.2f}) to {base:.2f} s")


if __name__ == "__main__":
    main()
