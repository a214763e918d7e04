"""Run the benches: all, or those of the rooms that are named (storage, retrieval, ...)."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def benches(rooms: list[str]) -> list[Path]:
    """Return the bench scripts of some rooms, or of all."""
    chosen = rooms or sorted(path.name for path in HERE.iterdir() if path.is_dir())
    unknown = [room for room in chosen if not (HERE / room).is_dir()]
    if unknown:
        sys.exit(f"error: no bench room is called {unknown[0]}")
    return [path for room in chosen for path in sorted((HERE / room).glob("bench_*.py"))]


def main() -> int:
    """Run one bench after the other; return how many failed."""
    failed = 0
    for path in benches(sys.argv[1:]):
        print(f"== {path.relative_to(HERE)}", flush=True)
        failed += bool(subprocess.run([sys.executable, path]).returncode)
    return failed


if __name__ == "__main__":
    sys.exit(main())
