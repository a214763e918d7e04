"""The whole comparison for real: data, model, S3 server, every rule, the table.

Everything of its own lies in .demo/; results are where any run's are. What it starts, it stops,
also when it is interrupted or killed; the next start goes on from there.
"""

import csv
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "workflow/scripts"
sys.path[:0] = [str(ROOT), str(SCRIPTS)]

from demo import build_data, fill_bucket, guard  # noqa: E402
from demo.s3_server import Server, serve  # noqa: E402

HOME = ROOT / ".demo"
UNFINISHED = HOME / "unfinished"
REPORT = ROOT / "results/demo/report"
COLUMNS = ("mode", "n", "token_recall", "exact_match", "f1", "seconds_per_1000", "peak_cpu_bytes")
PRIVATE = ("AWS_", "SNAKEMAKE_PROFILE")


@contextmanager
def stage(name: str, times: dict[str, float]) -> Iterator[None]:
    """Say what begins, and note how long it took."""
    print(f"\n=== {name}", flush=True)
    start = time.monotonic()
    yield
    times[name] = time.monotonic() - start


@contextmanager
def alone() -> Iterator[None]:
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
            subprocess.run(snakemake("--unlock", "--quiet", "all"), cwd=ROOT, check=True)
        yield


def make_models() -> None:
    """Make the model folders in a process of its own, so that its memory goes back."""
    script = [sys.executable, str(ROOT / "demo/build_model.py"), str(HOME / "models")]
    python_path = os.pathsep.join([str(SCRIPTS), os.environ.get("PYTHONPATH", "")])
    status = guard.run(script, HOME, os.environ | {"PYTHONPATH": python_path}, ROOT)
    if status:
        sys.exit(f"error: the models could not be made (status {status}); see above")


def environment(server: Server) -> dict[str, str]:
    """Return the environment of the workflow: the server's credentials and nobody else's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    direct = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
    return kept | nowhere | direct | server.environment() | {"HF_HUB_OFFLINE": "1"}


def snakemake(*args: str) -> list[str]:
    """Return the command that a user would type."""
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/demo.yaml"]
    return [*command, "--cores", "all", *args]


def run_workflow(server: Server, args: list[str]) -> int:
    """Run the workflow; return its exit status."""
    UNFINISHED.touch()
    command = snakemake("--quiet", "host", "rules", *args)
    status = guard.run(command, HOME, environment(server), ROOT)
    UNFINISHED.unlink()
    return status


def table() -> str:
    """Return the comparison as a table of text."""
    rows = list(csv.DictReader((REPORT / "comparison.csv").read_text().splitlines()))
    lines = [COLUMNS, *([shown(row, column) for column in COLUMNS] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def shown(row: dict[str, str], column: str) -> str:
    """Return a value as people read it: shares with their interval, bytes as gigabytes."""
    value = row.get(column) or ""
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    if low and high:
        return f"{float(value):.3f} [{float(low):.3f}, {float(high):.3f}]"
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


def show(times: dict[str, float], jobs: dict[str, float]) -> None:
    """Print the table, the report's path, and the seconds of each stage and of each rule's jobs."""
    print(f"\n{table()}\n\nreport: {REPORT / 'report.html'}\n")
    for name, seconds in times.items():
        print(f"{seconds:7.1f} s  {name}")
    for rule, seconds in sorted(jobs.items(), key=lambda job: -job[1]):
        print(f"{'':9}  {seconds:7.1f} s  {rule}")
    print(f"{sum(times.values()):7.1f} s  in all")


def run() -> int:
    """Run all stages; return the exit status."""
    times: dict[str, float] = {}
    start = time.time()
    with stage("data: World Factbook questions and passages", times):
        print(build_data.build(HOME / "data"))
    with stage("models: Gemma 3 270M and MiniLM as safetensors (made once)", times):
        make_models()
    with ExitStack() as stack:
        with stage("server: SeaweedFS on loopback, credentials of its own", times):
            server = stack.enter_context(serve(HOME / "s3"))
        with stage(f"bucket: s3://{fill_bucket.BUCKET} at {server.endpoint_url}", times):
            print(fill_bucket.fill(server.client(), HOME))
        with stage("workflow: snakemake --configfile config/demo.yaml", times):
            status = run_workflow(server, sys.argv[1:])
    if status:
        print(f"\nThe workflow ended with status {status}; see the messages above and logs/.")
    elif (REPORT / "comparison.csv").exists():
        show(times, jobs_since(start))
    return status


def main() -> int:
    """Run the demo, alone; an interruption by any signal ends it in order."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    with alone():
        return run()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("\nInterrupted; `make demo` goes on from here.", file=sys.stderr)
        sys.exit(130)
