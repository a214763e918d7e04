"""A generate job in a process of its own, watched by run_job, so that tests can kill it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def start(folder: Path, spec: dict[str, Any], **environment: str) -> subprocess.Popen[bytes]:
    """Start the job that ``spec`` describes (input, output, params), with ``folder`` as cwd."""
    file = folder / "job.json"
    file.write_text(json.dumps(spec))
    return subprocess.Popen(
        [sys.executable, str(Path(__file__)), str(file)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts"), **environment},
        stdout=(folder / "stdout").open("wb"),
        stderr=(folder / "stderr").open("wb"),
    )


def lines(folder: Path) -> list[dict[str, Any]]:
    """Return the completions that are in the journal by now."""
    whole = [
        line
        for file in (folder / "journal").rglob("*.jsonl")
        for line in file.read_text().split("\n")[:-1]
    ]
    return [line for line in map(json.loads, whole) if "digest" in line]


SECONDS = 5.0
QUIET = 0.03


def patience() -> float:
    """Return the 5 s within which a job ends, drawn out as a bare Python process is just now.

    On a quiet machine that process takes less than 0.03 s, and the bound is 5 s.
    """
    began = time.monotonic()
    subprocess.run([sys.executable, "-S", "-c", "pass"], check=True)
    return SECONDS * max(1.0, (time.monotonic() - began) / QUIET)


def end(process: subprocess.Popen[bytes], signum: int) -> None:
    """Send a signal, and require that the process is gone within its patience."""
    began = time.monotonic()
    process.send_signal(signum)
    limit = patience()
    status = process.wait(120)
    taken = time.monotonic() - began
    assert status in (-signum, 128 + signum), status
    assert taken < max(limit, patience()), f"{taken:.1f} s"


def main() -> None:
    """Run the job."""
    import generate_answers
    from slmrag.job.run import run_job

    for name in filter(None, os.environ.get("SLMRAG_FORBID", "").split(",")):
        sys.modules[name] = None  # type: ignore[assignment]
    spec = json.loads(Path(sys.argv[1]).read_text())
    parts = {name: SimpleNamespace(**spec[name]) for name in ("input", "output", "params")}
    given = spec["params"].get("hardware", {})
    snakemake = SimpleNamespace(
        rule="generate_answers",
        wildcards={"model": "tiny"},
        config={"experiment": "test", "tracking": {"backend": "none"}},
        resources={"gpu": given.get("gpus", 0)},
        threads=given.get("threads", 1),
        log="generate.log",
        **parts,
    )
    run_job(snakemake, generate_answers.main)


if __name__ == "__main__":
    main()
