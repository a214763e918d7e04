"""Run the benches: all, or those of the rooms that are named (``run_benches.py storage``)."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHES = {
    "storage": ("download.py", "many.py", "prepare.py"),
    "retrieval": ("run.py",),
    "generation": ("bench_engine.py", "bench_matrix.py", "bench_resume.py", "bench_host.py"),
    "tracking": ("job_cost.py", "sampling_cost.py", "run_cost.py"),
    "workflow": (
        "bench_dry_run.py",
        "bench_local_files.py",
        "bench_job_overhead.py",
        "bench_whole_run.py",
    ),
    "report": ("scoring.py", "page.py"),
}


def main() -> int:
    """Run one bench after the other; return how many failed."""
    rooms = sys.argv[1:] or list(BENCHES)
    if unknown := [room for room in rooms if room not in BENCHES]:
        sys.exit(f"error: no bench room is called {unknown[0]}; known: {', '.join(BENCHES)}")
    failed = 0
    for path in (HERE / room / name for room in rooms for name in BENCHES[room]):
        print(f"== {path.relative_to(HERE)}", flush=True)
        failed += bool(subprocess.run([sys.executable, path]).returncode)
    return failed


if __name__ == "__main__":
    sys.exit(main())
