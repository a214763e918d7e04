"""The whole comparison for real: data, models, S3 server, every rule, the table.

``--models`` names the language models, ``--over`` a config that is laid over config/demo.yaml;
what else is typed goes to Snakemake. Everything of its own lies in .demo/; results are where any
run's are. What it starts, it stops, also when it is interrupted or killed; the next start goes on
from there.
"""

import argparse
import csv
import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "workflow/scripts"
sys.path[:0] = [str(ROOT), str(SCRIPTS)]

import yaml  # noqa: E402

from demo import build_data, build_model, fill_bucket, guard  # noqa: E402
from demo.s3_server import Server, serve  # noqa: E402
from demo.write_results import estimate  # noqa: E402

HOME = ROOT / ".demo"
UNFINISHED = HOME / "unfinished"
ENCODER = "minilm"
NAMES = ("model", "dataset", "mode")
COLUMNS = (*NAMES, "n", "token_recall", "exact_match", "f1", "seconds_per_1000", "peak_cpu_bytes")
PRIVATE = ("AWS_", "SNAKEMAKE_PROFILE")


@dataclass(frozen=True)
class Choice:
    """What is compared: models, config files, and what Snakemake is told beside."""

    models: list[str]
    configs: list[str]
    targets: list[str]

    def report(self) -> Path:
        """Return the folder of the report: that of the last file which names an experiment."""
        read = [yaml.safe_load((ROOT / path).read_text(encoding="utf-8")) for path in self.configs]
        names = [config["experiment"] for config in read if "experiment" in config]
        return ROOT / "results" / names[-1] / "report"

    def command(self, *options: str) -> list[str]:
        """Return the command that a user would type; a model that is set to null does not exist."""
        left_out = sorted(build_model.LANGUAGE_MODELS - {*self.models})
        nulls = ", ".join(f"{name}: null" for name in left_out)
        config = ["--config", f"models={{{nulls}}}"] if nulls else []
        command = [sys.executable, "-m", "snakemake", *options, "--configfile", *self.configs]
        return [*command, *config, "--cores", "all", *self.targets]


def chosen(arguments: list[str]) -> Choice:
    """Return what the command line asks for; SystemExit for a model that is not known."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--models", default="")
    parser.add_argument("--over", action="append", default=[])
    known, rest = parser.parse_known_args(arguments)
    models = known.models.replace(",", " ").split() or sorted(build_model.LANGUAGE_MODELS)
    if unknown := sorted({*models} - build_model.LANGUAGE_MODELS):
        names = ", ".join(sorted(build_model.LANGUAGE_MODELS))
        sys.exit(f"error: MODELS: {unknown[0]} is no model of the demo; choose from {names}")
    return Choice(models, ["config/demo.yaml", *known.over], rest)


@contextmanager
def stage(name: str, times: dict[str, float]) -> Iterator[None]:
    """Say what begins, and note how long it took."""
    print(f"\n=== {name}", flush=True)
    start = time.monotonic()
    yield
    times[name] = time.monotonic() - start


@contextmanager
def alone(choice: Choice) -> Iterator[None]:
    """Refuse a second demo of this folder; end and clear what a killed one left."""
    HOME.mkdir(exist_ok=True)
    with open(HOME / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"error: another demo runs in {ROOT}; wait for it or stop it")
        guard.end_marked(HOME)
        for torn in (HOME / "models").glob(".*"):
            shutil.rmtree(torn)
        if UNFINISHED.exists():
            subprocess.run(choice.command("--unlock", "--quiet", "all"), cwd=ROOT, check=True)
        yield


def make_models(names: list[str]) -> None:
    """Make the model folders in a process of its own, so that its memory goes back."""
    script = [sys.executable, str(ROOT / "demo/build_model.py"), str(HOME / "models"), *names]
    paths = [str(SCRIPTS), str(ROOT), os.environ.get("PYTHONPATH", "")]
    status = guard.run(script, HOME, os.environ | {"PYTHONPATH": os.pathsep.join(paths)}, ROOT)
    if status:
        sys.exit(f"error: the models could not be made (status {status}); see above")


def environment(server: Server) -> dict[str, str]:
    """Return the environment of the workflow: the server's credentials and nobody else's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    direct = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
    return kept | nowhere | direct | server.environment() | {"HF_HUB_OFFLINE": "1"}


def run_workflow(server: Server, choice: Choice) -> int:
    """Run the workflow; return its exit status."""
    UNFINISHED.touch()
    command = choice.command("--quiet", "host", "rules")
    status = guard.run(command, HOME, environment(server), ROOT)
    UNFINISHED.unlink()
    return status


def table(report: Path) -> str:
    """Return the comparison as a table of text."""
    rows = list(csv.DictReader((report / "comparison.csv").read_text().splitlines()))
    lines = [COLUMNS, *([shown(row, column) for column in COLUMNS] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def shown(row: dict[str, str], column: str) -> str:
    """Return a value as people read it: shares with their interval, bytes as gigabytes."""
    if with_interval := estimate(row, column, missing=""):
        return with_interval
    value = row.get(column) or ""
    if column.endswith("_bytes") and value:
        return f"{float(value) / 1e9:.2f} GB"
    return f"{float(value):.0f}" if value.replace(".", "").isdigit() else value


def interrupted(signum: int, frame: object) -> None:
    """Treat SIGTERM as an interruption."""
    raise KeyboardInterrupt


def jobs_since(start: float) -> dict[str, float]:
    """Return the seconds of each rule's jobs that ended after ``start``, from their benchmarks."""
    seconds: dict[str, float] = {}
    for path in sorted((ROOT / "benchmarks").rglob("*.tsv")):
        if path.stat().st_mtime > start:
            rule = path.relative_to(ROOT / "benchmarks").parts[0].removesuffix(".tsv")
            with open(path, newline="") as file:
                rows = csv.DictReader(file, delimiter="\t")
                seconds[rule] = seconds.get(rule, 0) + sum(float(row["s"]) for row in rows)
    return seconds


def show(report: Path, times: dict[str, float], jobs: dict[str, float]) -> None:
    """Print the table, the report's path, and the seconds of each stage and of each rule's jobs."""
    print(f"\n{table(report)}\n\nreport: {report / 'report.html'}\n")
    for name, seconds in times.items():
        print(f"{seconds:7.1f} s  {name}")
    for rule, seconds in sorted(jobs.items(), key=lambda job: -job[1]):
        print(f"{'':9}  {seconds:7.1f} s  {rule}")
    print(f"{sum(times.values()):7.1f} s  in all")


def run(choice: Choice) -> int:
    """Run all stages; return the exit status."""
    times: dict[str, float] = {}
    start = time.time()
    with stage("data: World Factbook questions and passages, SimpleQA's questions", times):
        print(build_data.build(HOME / "data"))
    with stage(f"models: {', '.join(choice.models)}, MiniLM as safetensors (made once)", times):
        make_models([ENCODER, *choice.models])
    with ExitStack() as stack:
        with stage("server: SeaweedFS on loopback, credentials of its own", times):
            server = stack.enter_context(serve(HOME / "s3"))
        with stage(f"bucket: s3://{fill_bucket.BUCKET} at {server.endpoint_url}", times):
            print(fill_bucket.fill(server.client(), HOME))
        with stage(f"workflow: {shlex.join(choice.command()[2:])}", times):
            status = run_workflow(server, choice)
    report = choice.report()
    if status:
        print(f"\nThe workflow ended with status {status}; see the messages above and logs/.")
    elif (report / "comparison.csv").exists():
        show(report, times, jobs_since(start))
    return status


def main() -> int:
    """Run the demo, alone; an interruption by any signal ends it in order."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    choice = chosen(sys.argv[1:])
    with alone(choice):
        return run(choice)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError) as error:
        sys.exit(f"error: {error}; the same command goes on from here")
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on from here.", file=sys.stderr)
        sys.exit(130)
