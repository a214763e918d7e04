"""What watching costs a job: ``python bench/tracking/job_cost.py``.

Each kind of job is a process that runs the same ``main``, its own wall time measured from before
the import of ``slmrag.job.run`` to after ``run_job``. The kinds take turns, so that a noisy machine
disturbs all alike.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts")]

from tests.tracking.clearml_stand_in import ClearmlServer  # noqa: E402

ROUNDS = 9
SECONDS = 2.0
JOB = """
import json, resource, sys, time
from types import SimpleNamespace
wanted = json.loads(sys.argv[1])

def main(input, output, params):
    time.sleep(wanted["seconds"])
    return {"token_recall": 0.5}

begun, before = time.perf_counter(), time.process_time()
if wanted["plain"]:
    main(None, None, None)
else:
    from slmrag.job.run import run_job
    run_job(SimpleNamespace(
        rule="score_answers", wildcards={"model": "m"}, params={}, input=SimpleNamespace(),
        output=SimpleNamespace(), log=["log"], threads=1, resources={},
        config={"experiment": "e", "tracking": wanted["tracking"]}), main)
others = resource.getrusage(resource.RUSAGE_CHILDREN)
own = time.process_time() - before
print(time.perf_counter() - begun, own + others.ru_utime + others.ru_stime)
"""


def cost(tracking: dict | None, environment: dict[str, str]) -> tuple[float, float]:
    """Return a job's own wall time and CPU time, that of the children it waited for included."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("CLEARML")}
    known |= {"PYTHONPATH": str(ROOT / "workflow" / "scripts"), **environment}
    wanted = {"plain": tracking is None, "seconds": SECONDS, "tracking": tracking}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-c", JOB, json.dumps(wanted)]
        done = subprocess.run(
            command, cwd=folder, env=known | {"HOME": folder}, capture_output=True, text=True
        )
    wall, cpu = map(float, done.stdout.split())
    return wall, cpu


def main() -> None:
    """Print the seconds that each kind of tracking adds to a job of two seconds."""
    with ClearmlServer() as server:
        kinds = {
            "no run_job": (None, {}),
            "off": ({"mode": "off"}, {}),
            "auto, a server is configured": ({}, server.environment() | {"SLMRAG_RUN_ID": "r"}),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
        for _ in range(ROUNDS):
            for name, (tracking, environment) in kinds.items():
                taken[name].append(cost(tracking, environment))
    show(taken)


def show(taken: dict[str, list[tuple[float, float]]]) -> None:
    """Print what each kind adds to the first."""
    base = [statistics.median(values) for values in zip(*taken["no run_job"], strict=True)]
    print(f"{'kind':30} {'wall s: median':>15} {'least':>7} {'CPU s: median':>15}")
    for name, values in taken.items():
        walls, cpus = zip(*values, strict=True)
        wall, cpu = statistics.median(walls) - base[0], statistics.median(cpus) - base[1]
        print(f"{name:30} {wall:15.3f} {min(walls) - base[0]:7.3f} {cpu:15.3f}")


if __name__ == "__main__":
    main()
