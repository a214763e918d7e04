"""A job that a signal ends is over within its grace, whatever it is busy with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
JOB = """
import hashlib, subprocess, sys, time
from pathlib import Path
from types import SimpleNamespace
from slmrag.job.run import run_job

def calm():
    time.sleep(600)

def swallowing():
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

def in_a_library():
    hashlib.pbkdf2_hmac("sha256", b"p", b"s", 2_000_000_000)

def main(input, output, params):
    child = subprocess.Popen(["sleep", "600"])
    Path("child").write_text(str(child.pid))
    Path("up").touch()
    globals()[sys.argv[1]]()

job = SimpleNamespace(
    rule="score_answers", wildcards={"model": "tiny", "dataset": "nq", "mode": "one"},
    config={"experiment": "exp", "tracking": {"backend": "none"}}, resources={}, threads=1,
    log="job.log", input=SimpleNamespace(), output=SimpleNamespace(), params=SimpleNamespace(),
)
run_job(job, main)
"""


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("busy", ["calm", "swallowing", "in_a_library"])
def test_a_signal_ends_the_job_and_all_it_started(tmp_path, busy, asked):
    """Asleep, swallowing the exception or in C code: killed is in the events, no child is left."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    process = subprocess.Popen(
        [sys.executable, "-c", JOB, busy], cwd=tmp_path, env=environment, stderr=subprocess.PIPE
    )
    while not (tmp_path / "up").exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(asked)
    began = time.monotonic()
    assert process.wait(60) == 128 + asked
    assert time.monotonic() - began < 20, "the grace is 3 s; the rest is for a busy machine"
    (event,) = (tmp_path / "results/exp/jobs").rglob("events.jsonl")
    assert json.loads(event.read_text().splitlines()[-1])["status"] == "killed"
    assert not alive(int((tmp_path / "child").read_text()))


def alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie, that nobody has waited for yet, does not)."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state in "ZX":
            return False
        time.sleep(0.02)
    return True
