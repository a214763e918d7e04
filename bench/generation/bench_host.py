"""Host overhead: completions/s and memory of a whole job with the echo engine, to 1M prompts."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.generation import common


def main() -> None:
    """Print completions/s over the whole job (render, journal, answers), and its peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--passages", type=int, default=1)
    given = parser.parse_args()
    print(common.machine())
    peaks = []
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as name:
            peaks.append(_one(Path(name), size, given.passages))
    print(
        f"memory at {given.sizes[-1]:,} over {given.sizes[0]:,} prompts: {peaks[-1] / peaks[0]:.2f}"
    )


def _one(folder: Path, size: int, passages: int) -> float:
    table = common.write_prompts(folder / "prompts.parquet", size, passages, words=100)
    job = common.spec(folder, [table], None, engine="echo", max_tokens=8)
    result = common.run(folder, job)
    again = common.run(folder, {**job, "output": _elsewhere(job)})
    usage = json.loads(
        (folder / "results/test/jobs/generate_answers/tiny/memory_usage.json").read_text()
    )
    began = common.children_seconds()
    start, _ = common.command("-c", "import polars, jinja2")
    idle = common.children_seconds() - began
    first, second = (size / (one["wall_seconds"] - start) for one in (result, again))
    peak = usage["peak"]["rss_bytes"]
    work = size / (result["job_cpu_seconds"] - idle)
    print(
        f"{size:>9,} prompts: {first:>7,.0f} completions/s (aim 10,000), {work:>7,.0f} a CPU-s, "
        f"{second:>7,.0f}/s from the journal, peak {peak / 2**20:,.0f} MiB",
        flush=True,
    )
    return peak


def _elsewhere(job: dict) -> dict:
    return {
        name: [path.replace("/out/", "/again/") for path in paths]
        for name, paths in job["output"].items()
    }


if __name__ == "__main__":
    main()
