"""What a tracker costs a run, and how fast its publisher is: ``python bench/tracking/run_cost.py``.

Against the stand-in of the tests: 15 jobs of the tiny workflow on two cores with tracking off and
online, in turns; the events of 2,000 cells in one go; and 100 events a second, of which none may be
lost.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts")]

from slmrag.job.attempts import begin_attempt  # noqa: E402

from tests.tracking.clearml_stand_in import ClearmlServer  # noqa: E402
from tests.workflow.project import make_project  # noqa: E402

ROUNDS = 5
CELLS = 2000
RATE, SECONDS = 100, 30


def seconds_of_run(mode: str, environment: dict[str, str]) -> float:
    """Return the wall time of the tiny workflow from nothing."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder, "p"), tracking={"mode": mode})
        home = {"HOME": folder, **environment}
        begun = time.perf_counter()
        project.snakemake("--cores", "2", "--quiet", "all", "--", "all", env=home)
        return time.perf_counter() - begun


def compare_runs() -> None:
    """Print the wall time of runs with tracking as a ratio to that with tracking off."""
    off, ratios = [], {mode: [] for mode in ("auto", "online")}
    for _ in range(ROUNDS):
        off.append(seconds_of_run("off", {}))
        for mode, found in ratios.items():
            with ClearmlServer() as server:
                found.append(seconds_of_run(mode, server.environment()) / off[-1])
                tasks = len(server.tasks)
    for mode, found in ratios.items():
        print(
            f"{tasks} tasks, {statistics.median(off):.1f} s with tracking off; mode {mode}: "
            f"{statistics.median(found):.2f} x ({min(found):.2f} to {max(found):.2f})"
        )


def write_job(results: Path, name: str, run: str) -> Path:
    """Begin a job's log; return its path."""
    path = begin_attempt(results / "jobs/score_answers" / name, name)
    start = {"time": time.time(), "kind": "start", "id": name, "run": run, "rule": "score_answers"}
    start |= {"wildcards": {"model": name}, "experiment": "e", "params": {"model": {"engine": "x"}}}
    start |= {"host": os.uname().nodename, "pid": os.getpid()}
    append(path, start)
    return path


def append(path: Path, *events: dict) -> None:
    """Append events to a log."""
    with path.open("a") as file:
        file.writelines(json.dumps({"time": time.time()} | event) + "\n" for event in events)


def publisher(results: Path, server: ClearmlServer, deadline: float) -> subprocess.Popen:
    """Start the publisher of run ``r``."""
    command = [sys.executable, "-P", "-m", "slmrag.tracking.publisher"]
    known = {name: value for name, value in os.environ.items() if not name.startswith("CLEARML")}
    known |= {"PYTHONPATH": str(ROOT / "workflow" / "scripts"), "HOME": str(results)}
    process = subprocess.Popen(
        [*command, str(results), "r", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=known | server.environment(),
        start_new_session=True,
    )
    process.stdin.write(json.dumps({"deadline_seconds": deadline}).encode() + b"\n")
    process.stdin.flush()
    return process


def send_cells(folder: Path) -> None:
    """Print how many tasks a minute are sent."""
    points = [{"kind": "single", "name": f"m{n}", "value": n} for n in range(20)]
    points += [{"kind": "memory", "seconds": n, "rss_bytes": 1e9} for n in range(5)]
    file = folder / "scores.json"
    file.write_text("{}")
    points += [{"kind": "artifact", "name": "scores", "path": str(file), "bytes": 2, "sha256": "x"}]
    points += [{"kind": "end", "status": "completed", "peak": {"rss_bytes": 1e9}}]
    for cell in range(CELLS):
        append(write_job(folder, f"cell{cell:04}", "r"), *points)
    with ClearmlServer() as server:
        begun = time.perf_counter()
        process = publisher(folder, server, 3600)
        process.communicate()
        taken = time.perf_counter() - begun
        done = sum(task["status"] == "completed" for task in server.tasks.values())
    print(f"{done} of {CELLS} cells in {taken:.0f} s: {60 * done / taken:.0f} tasks a minute")


def send_stream(folder: Path) -> None:
    """Print how many of the events that a job writes at a high rate arrive."""
    path = write_job(folder, "stream", "r")
    with ClearmlServer() as server:
        process = publisher(folder, server, 60)
        for step in range(RATE * SECONDS):
            append(path, {"kind": "scalar", "name": "loss/train", "value": step, "step": step})
            time.sleep(1 / RATE)
        append(path, {"kind": "end", "status": "completed"})
        process.communicate()
        (task,) = server.tasks.values()
        points = server.scalars(task["id"])["loss", "train"]
    print(f"{RATE} events a second: {len(set(points))} of {RATE * SECONDS} arrived")


def main() -> None:
    """Run the three benches."""
    compare_runs()
    for bench in (send_cells, send_stream):
        with tempfile.TemporaryDirectory() as folder:
            bench(Path(folder))
    assert threading.active_count() < 10


if __name__ == "__main__":
    main()
