"""A no-op `snakemake -n` over 2,000 cells, beside a bare workflow with as many jobs and files.

The bare one has the same rules, files and edges, and no params, logs or code of ours. Both are
marked as done by `snakemake --touch`. Prints the ratio of wall times, medians of five pairs.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
MODELS, DATASETS, MODES, PAIRS = 20, 10, 10, 5

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


def config() -> dict:
    """Return a config of 20 models x 10 data sets x 10 modes."""
    mode = {"context": "none", "prompt": "config/prompts/no_context.jinja"}
    question_set = {"object": "raw", "format": "jsonl"}
    return {
        "experiment": "grid",
        "objects": {"raw": {"uri": "raw.jsonl"}},
        "datasets": {f"set{index}": question_set for index in range(DATASETS)},
        "modes": {f"mode{index}": mode for index in range(MODES)},
        "models": {f"model{index}": {"engine": "echo"} for index in range(MODELS)},
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


def main() -> None:
    """Print the two times and their ratio."""
    with tempfile.TemporaryDirectory() as base:
        ours, plain = Path(base, "ours"), Path(base, "plain")
        for folder in (ours, plain):
            folder.mkdir()
        (ours / "raw.jsonl").write_text("")
        (ours / "config.yaml").write_text(yaml.safe_dump(config()))
        ours_args = ("--configfile", "config.yaml")
        (plain / "Snakefile").write_text(BARE)
        for folder, *args in ((ours, ROOT / "Snakefile", *ours_args), (plain, plain / "Snakefile")):
            seconds, text = snakemake(folder, *args, "-n")
            jobs = jobs_of(text)
            print(f"{folder.name}: {len(jobs)} jobs; the first plan takes {seconds:.1f} s")
            touch(jobs, folder)
        snakemake(ours, ROOT / "Snakefile", *ours_args, "--touch", "--cores", "1")
        snakemake(plain, plain / "Snakefile", "--touch", "--cores", "1")
        times = []
        for _ in range(PAIRS):
            mine, said = snakemake(ours, ROOT / "Snakefile", *ours_args, "-n")
            if "Nothing to be done" not in said:
                sys.exit(said[-3000:])
            other, _ = snakemake(plain, plain / "Snakefile", "-n")
            times.append((mine, other))
    mine, other = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    cores = os.cpu_count()
    print(
        f"no-op dry run: ours {mine:.2f} s, bare {other:.2f} s, ratio {ratio:.2f} ({cores} cores)"
    )


if __name__ == "__main__":
    main()
