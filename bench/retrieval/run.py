"""Compare our retrievers with the libraries behind them: ``python bench/retrieval/run.py``.

Each line of the table is measured in a process of its own, one thread, and printed as it comes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

TASKS = Path(__file__).with_name("tasks.py")
SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "PYTHONPATH": os.pathsep.join(filter(None, (str(SCRIPTS), os.environ.get("PYTHONPATH")))),
}
HEAD = """\
| kind | passages | build s (bare) | queries/s (bare) | ratio | peak MB build / search (bare) \
| search adds MB | index MB | equal |
|---|---|---|---|---|---|---|---|---|"""
LUCENE = os.environ.get("SLMRAG_LUCENE_PYTHON", sys.executable)


def measure(task: str, folder: Path, count: int, python: str = sys.executable) -> dict[str, Any]:
    """Run one task in its own process; an error is said and leaves its cells empty."""
    done = subprocess.run(
        [python, TASKS, task, folder, str(count)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ENVIRONMENT,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["killed for its memory, it seems"])[-1]
        print(f"{task} {count:,}: not measured: {last[:80]}", file=sys.stderr, flush=True)
        return {}
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare_dense(folder: Path, count: int) -> str:
    """Measure exact search and FAISS Flat in one process; return two lines of the table."""
    made = measure("make-dense", folder, count)
    ours, both = measure("search-dense", folder, count), measure("bare-dense", folder, count)
    peak, start = ours.get("search_mb", 0), ours.get("start_mb", 0)
    lines = []
    for condition, name in (("all questions in one call", ""), ("one question a call", "_one")):
        fast, bare = (
            both.get("rates", {}).get(who + name, float("nan")) for who in ("ours", "bare")
        )
        lines.append(
            f"| dense, {condition} | {count:,} | {made.get('codes_s', 0):.1f} "
            f"| {fast:,.0f} ({bare:,.3g}) | **{fast / bare:.2f} x** | / {peak:,.0f} "
            f"| {peak - start:,.0f} | {made.get('disk_mb', 0):,.0f} | {both.get('equal', 0):.2%} |"
        )
    return "\n".join(lines)


def compare(kind: str, folder: Path, count: int) -> str:
    """Measure one kind and its library; return the line of the table."""
    if kind == "dense":
        return compare_dense(folder, count)
    built = measure(f"build-{kind}", folder, count)
    ours = measure(f"search-{kind}", folder, count)
    bare = measure(f"bare-{kind}", folder, count, LUCENE if kind == "lucene" else sys.executable)
    cells = [
        f"{kind} | {count:,}",
        f"{seconds(built)} ({seconds(bare)})" if "build_s" in built else "",
        f"{speed(ours):,.0f} ({speed(bare):,.3g})" if bare else f"{speed(ours):,.0f} ()",
        f"**{speed(ours) / speed(bare):.2f} x**" if ours and bare else "",
        f"{built.get('build_mb', 0):,.0f} / {ours.get('search_mb', 0):,.0f} "
        f"({bare.get('search_mb', 0):,.0f})",
        f"{ours.get('search_mb', 0) - ours.get('start_mb', 0):,.0f}",
        f"{built.get('disk_mb', ours.get('disk_mb', 0)):,.0f}",
        f"{bare['equal']:.2%}" if "equal" in bare else "",
    ]
    return f"| {' | '.join(cells)} |"


def seconds(found: dict[str, Any]) -> str:
    """Return the seconds of a build, where there was one."""
    return f"{found['build_s']:.1f}" if "build_s" in found else ""


def speed(found: dict[str, Any]) -> float:
    """Return questions a CPU second, or no number."""
    return found["queries"] / found["search_s"] if found else float("nan")


def main() -> None:
    """Print the table of the documents, line by line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000", help="numbers of passages")
    parser.add_argument("--kinds", default="rank_bm25,bm25s,lucene,dense,encode")
    parser.add_argument("--questions", default="1000", help="asked in one call")
    chosen = parser.parse_args()
    ENVIRONMENT["BENCH_QUESTIONS"] = chosen.questions
    print(f"{date.today()}, {chosen.questions} questions\n\n{HEAD}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        kinds = chosen.kinds.split(",")
        for count in map(int, chosen.sizes.split(",")):
            for kind in kinds:
                if kind != "encode":
                    print(compare(kind, Path(folder), count), flush=True)
        found = measure("encode", Path(folder), 256) if "encode" in kinds else {}
        if found:
            ratio = found["theirs_s"] / found["ours_s"]
            print(f"\nencode: {ratio:.2f} x the texts/s, least cosine {found['cosine']:.6f}")


if __name__ == "__main__":
    main()
