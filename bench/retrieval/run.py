"""Compare our retrievers with the libraries behind them: ``python bench/retrieval/run.py``.

Each line of the table is measured in a process of its own, one thread, and printed as it comes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TASKS = Path(__file__).with_name("tasks.py")
SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "PYTHONPATH": os.pathsep.join(filter(None, (str(SCRIPTS), os.environ.get("PYTHONPATH")))),
}
LUCENE = os.environ.get("SLMRAG_LUCENE_PYTHON", sys.executable)


def measure(task: str, folder: Path, count: int, python: str = sys.executable) -> dict[str, Any]:
    """Run one task in its own process; an error becomes a line of the table."""
    done = subprocess.run(
        [python, TASKS, task, folder, str(count)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ENVIRONMENT,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        print(f"| {task} | {count:,} | not measured: {last[:80]} | | | | |", flush=True)
        return {}
    found = json.loads(done.stdout.strip().splitlines()[-1])
    if not found:
        return {}
    cells = [
        f"{found['build_s']:.1f}" if "build_s" in found else "",
        f"{found['queries'] / found['search_s']:,.0f}" if "search_s" in found else "",
        f"{max(found[key] for key in found if key.endswith('_mb') and key != 'disk_mb'):,.0f}",
        f"{found['disk_mb']:,.0f}" if "disk_mb" in found else "",
        ", ".join(f"{k} {found[k]:.4g}" for k in ("equal", "single_ms", "cosine") if k in found),
    ]
    print(f"| {task} | {count:,} | {' | '.join(cells)} |", flush=True)
    return found


def compare(kind: str, folder: Path, count: int) -> None:
    """Measure one kind and its library, and print speeds as ratios."""
    built = measure(f"{'make' if kind == 'dense' else 'build'}-{kind}", folder, count)
    ours = measure(f"search-{kind}", folder, count)
    bare = measure(f"bare-{kind}", folder, count, LUCENE if kind == "lucene" else sys.executable)
    if ours and bare:
        speeds = [found["queries"] / found["search_s"] for found in (ours, bare)]
        print(f"  -> {kind} {count:,}: {speeds[0] / speeds[1]:.2f} x the queries/s", flush=True)
    if built and "build_s" in bare:
        print(f"  -> {kind} {count:,}: {built['build_s'] / bare['build_s']:.2f} x the build time")
    if "single_ms" in bare:
        alone = bare["single_ms"] * ours["queries"] / ours["search_s"] / 1e3
        print(f"  -> dense {count:,}: {alone:.1f} x the queries/s of one question at a time")
        print(f"  -> dense {count:,}: peak is {ours['search_mb'] / ours['disk_mb']:.2f} x vectors")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000", help="numbers of passages")
    parser.add_argument("--kinds", default="rank_bm25,bm25s,lucene,dense,encode")
    chosen = parser.parse_args()
    print("| task | passages | build CPU s | queries/CPU s | peak MB | disk MB | |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        kinds = chosen.kinds.split(",")
        for count in map(int, chosen.sizes.split(",")):
            for kind in kinds:
                if kind != "encode":
                    compare(kind, Path(folder), count)
        if "encode" in kinds:
            found = measure("encode", Path(folder), 256)
            if found:
                print(f"  -> encode: {found['theirs_s'] / found['ours_s']:.2f} x the texts/s")


if __name__ == "__main__":
    main()
