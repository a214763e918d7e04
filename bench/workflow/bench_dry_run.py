"""A no-op `snakemake -n` over 2,000 cells, beside a bare workflow with as many jobs and files.

The bare one has the same rules, files and edges, and no params, logs or code of ours. Both are
marked as done by `snakemake --touch`. Prints the ratio of wall and of CPU times, medians of five
pairs, and with ``--growth`` ours at 500, 1,000 and 2,000 cells: seconds a job.
"""

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
PAIRS = 5

BARE = """
ROWS = [f"model{m}/set{d}/mode{k}" for m in range(20) for d in range(10) for k in range(10)]
CELLS = [f"set{d}/mode{k}" for d in range(10) for k in range(10)]
wildcard_constraints: model="model[0-9]+", dataset="set[0-9]+", mode="mode[0-9]+"
rule all:
    input: "report/report.html"
rule download:
    output: data=directory("raw/raw"), manifest="raw/raw.json"
    shell: "touch {output}"
rule prepare:
    input: data="raw/raw", manifest="raw/raw.json"
    output: questions="datasets/{dataset}/questions.parquet", audit="datasets/{dataset}/audit.json"
    shell: "touch {output}"
rule prompt:
    input: "datasets/{dataset}/questions.parquet"
    output: "prompts/{dataset}/{mode}.parquet"
    shell: "touch {output}"
rule generate:
    input: "prompts/{dataset}/{mode}.parquet"
    output: "answers/{model}/{dataset}/{mode}.parquet", "timings/{model}/{dataset}/{mode}.parquet"
    shell: "touch {output}"
rule score:
    input:
        "answers/{model}/{dataset}/{mode}.parquet", "datasets/{dataset}/questions.parquet",
        "prompts/{dataset}/{mode}.parquet"
    output: "scores/{model}/{dataset}/{mode}.parquet", "scores/{model}/{dataset}/{mode}.json"
    shell: "touch {output}"
rule report:
    input:
        expand("scores/{row}.parquet", row=ROWS), expand("scores/{row}.json", row=ROWS),
        expand("answers/{row}.parquet", row=ROWS), expand("timings/{row}.parquet", row=ROWS),
        expand("prompts/{cell}.parquet", cell=CELLS),
        expand("datasets/set{d}/questions.parquet", d=range(10)),
        expand("datasets/set{d}/audit.json", d=range(10)), "raw/raw.json"
    output: "report/report.html"
    shell: "touch {output}"
"""


def config(models: int = 20, datasets: int = 10, modes: int = 10) -> dict:
    """Return a config of models x data sets x modes."""
    mode = {"context": "none", "prompt": "config/prompts/no_context.jinja"}
    question_set = {"object": "raw", "format": "jsonl"}
    return {
        "experiment": "grid",
        "objects": {"raw": {"uri": "raw.jsonl"}},
        "datasets": {f"set{index}": question_set for index in range(datasets)},
        "modes": {f"mode{index}": mode for index in range(modes)},
        "models": {f"model{index}": {"engine": "echo"} for index in range(models)},
        "generation": {"batch": "cell"},
        "tracking": {"mode": "off"},
    }


def jobs_of(text: str) -> list[dict]:
    """Return rule, inputs and outputs of each job that a dry run lists."""
    pattern = r"^(?:local)?rule (\w+):\n((?:    .*\n)+)"
    jobs = []
    for rule, body in re.findall(pattern, text, re.MULTILINE):
        lists = dict(re.findall(r"^    (input|output): (.*)$", body, re.MULTILINE))
        jobs.append({"rule": rule} | {key: value.split(", ") for key, value in lists.items()})
    return jobs


def snakemake(folder: Path, snakefile: Path, *args: str) -> tuple[float, str]:
    """Return the seconds of a snakemake call and what it printed."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "--snakefile", snakefile, *args]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
    return time.perf_counter() - start, done.stdout + done.stderr


def cpu() -> float:
    """Return the CPU seconds of all calls so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def planned(folder: Path, snakefile: Path, *args: str) -> tuple[float, float]:
    """Return wall and CPU seconds of a dry run that must find nothing to be done."""
    before = cpu()
    wall, said = snakemake(folder, snakefile, *args, "-n")
    if "Nothing to be done" not in said:
        sys.exit(said[-3000:])
    return wall, cpu() - before


def make(folder: Path, snakefile: Path, *args: str) -> int:
    """Make all outputs as empty files that count as done; return the number of jobs."""
    jobs = jobs_of(snakemake(folder, snakefile, *args, "-n")[1])
    touch(jobs, folder)
    snakemake(folder, snakefile, *args, "--touch", "--cores", "1")
    return len(jobs)


def touch(jobs: list[dict], folder: Path) -> None:
    """Make every output as an empty file, in the order of the jobs' edges."""
    for job in jobs:
        for name in job.get("output", []):
            path = folder / name
            if path.suffix:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            else:
                path.mkdir(parents=True, exist_ok=True)


def ours(folder: Path, **grid: int) -> tuple:
    """Write our grid's config into ``folder``; return what a call of snakemake needs."""
    folder.mkdir()
    (folder / "raw.jsonl").write_text("")
    (folder / "config.yaml").write_text(yaml.safe_dump(config(**grid)))
    return folder, ROOT / "Snakefile", "--configfile", "config.yaml"


def bare(folder: Path) -> tuple:
    """Write the bare workflow into ``folder``; return what a call of snakemake needs."""
    folder.mkdir()
    (folder / "Snakefile").write_text(BARE)
    return folder, folder / "Snakefile"


def growth(base: Path) -> None:
    """Print ours at three sizes."""
    for models in (5, 10, 20):
        call = ours(base / str(models), models=models)
        jobs = make(*call)
        times = [planned(*call) for _ in range(3)]
        wall, used = (min(column) for column in zip(*times, strict=True))
        print(
            f"{models * 100} cells, {jobs} jobs: {wall:.2f} s, {used:.2f} s of CPU, "
            f"{used / jobs * 1000:.2f} ms a job"
        )


def main() -> None:
    """Print the two times and their ratio."""
    with tempfile.TemporaryDirectory() as base:
        if "--growth" in sys.argv[1:]:
            return growth(Path(base))
        calls = [ours(Path(base, "ours")), bare(Path(base, "bare"))]
        print("jobs, ours and bare:", *[make(*call) for call in calls])
        pairs = [[planned(*call) for call in calls] for _ in range(PAIRS)]
    for at, kind in enumerate(("wall", "CPU")):
        mine, other = zip(*[(a[at], b[at]) for a, b in pairs], strict=True)
        ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
        print(
            f"no-op dry run, {kind}: ours {statistics.median(mine):.2f} s, "
            f"bare {statistics.median(other):.2f} s, ratio {ratio:.2f} ({os.cpu_count()} cores)"
        )


if __name__ == "__main__":
    main()
