"""The whole comparison for real: data, model, S3 server, every rule, the table.

Everything of its own lies in .demo/; results are where any run's are. What it starts, it stops,
also when it is interrupted; what a kill left behind, the next start ends first.
"""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from demo import build_data, fill_bucket  # noqa: E402
from demo.s3_server import Server, serve  # noqa: E402

HOME = ROOT / ".demo"
GROUP = HOME / "snakemake.pgid"
REPORT = ROOT / "results/demo/report"
COLUMNS = ("mode", "n", "token_recall", "exact_match", "f1", "seconds_per_1000", "peak_cpu_bytes")
STOP_SECONDS = 30


@contextmanager
def stage(name: str, times: dict[str, float]) -> Iterator[None]:
    """Say what begins, and note how long it took."""
    print(f"\n=== {name}", flush=True)
    start = time.monotonic()
    yield
    times[name] = time.monotonic() - start


def make_models() -> None:
    """Make the model folders in a process of its own."""
    script = [sys.executable, str(ROOT / "demo/build_model.py"), str(HOME / "models")]
    subprocess.run(script, check=True, env=os.environ | {"PYTHONPATH": scripts_path()})


def scripts_path() -> str:
    """Return the folder that holds our package."""
    return str(ROOT / "workflow/scripts")


def environment(server: Server) -> dict[str, str]:
    """Return the environment of the workflow: the server's credentials and nobody else's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return kept | nowhere | server.environment() | {"HF_HUB_OFFLINE": "1"}


def snakemake(*args: str) -> list[str]:
    """Return the command that a user would type."""
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/demo.yaml"]
    return [*command, "--cores", "all", *args]


def run_workflow(server: Server, args: list[str]) -> int:
    """Run the workflow in a process group of its own, and leave nothing of it behind."""
    process = subprocess.Popen(
        snakemake("--quiet", "host", "rules", *args),
        cwd=ROOT,
        env=environment(server),
        start_new_session=True,
    )
    GROUP.write_text(str(process.pid))
    try:
        status = process.wait()
    except KeyboardInterrupt:
        end_group(process)
        raise
    GROUP.unlink()
    return status


def end_group(process: subprocess.Popen) -> None:
    """Let the workflow end its jobs, then end what is left of its group."""
    os.killpg(process.pid, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def clear_leftovers() -> None:
    """End the processes of a demo that was cut off, and take its lock away."""
    if not GROUP.exists():
        return
    group = int(GROUP.read_text())
    if "snakemake" in command_of(group) or not command_of(group):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    subprocess.run(snakemake("--unlock", "--quiet", "all"), cwd=ROOT, check=True)
    GROUP.unlink()


def command_of(pid: int) -> str:
    """Return a process's command line, empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


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


def main() -> int:
    """Run all stages; return the exit status."""
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    times: dict[str, float] = {}
    HOME.mkdir(exist_ok=True)
    clear_leftovers()
    with stage("data: World Factbook questions and passages", times):
        print(build_data.build(HOME / "data"))
    with stage("models: Gemma 3 270M and MiniLM as safetensors (once)", times):
        make_models()
    with serve(HOME / "s3") as server:
        with stage(f"bucket: s3://{fill_bucket.BUCKET} at {server.endpoint_url}", times):
            print(fill_bucket.fill(server.client(), HOME))
        with stage("workflow: snakemake --configfile config/demo.yaml", times):
            status = run_workflow(server, sys.argv[1:])
    if status:
        print(f"\nThe workflow ended with status {status}; see the messages above and logs/.")
        return status
    print(f"\n{table()}\n\nreport: {REPORT / 'report.html'}\n")
    for name, seconds in times.items():
        print(f"{seconds:7.1f} s  {name}")
    print(f"{sum(times.values()):7.1f} s  in all")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; `make demo` goes on from here.")
