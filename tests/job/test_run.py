"""A job is watched, and ends as it should."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("results/exp/jobs/score_answers/tiny/nq/one")


def events(job):
    """Return the job's events by kind, the last of each."""
    lines = (job.folder / FOLDER / "events.jsonl").read_text().splitlines()
    return {event["kind"]: event for event in map(json.loads, lines)}


def test_a_good_job(job):
    """A job that ends well leaves log, events with params and artifacts, and memory."""
    done = job("complete", params={"code": "abc123"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "working with" in (job.folder / "logs/one.log").read_text()
    found = events(job)
    assert found["start"]["params"]["model"]["checkpoint"] == "hf:org/tiny"
    assert found["start"]["code"]["digest"] == "abc123"
    assert found["end"]["status"] == "completed"
    assert found["model"]["name"] == "tiny"
    memory = json.loads((job.folder / FOLDER / "memory_usage.json").read_text())
    assert memory["status"] == "completed"
    assert memory["peak"]["rss_bytes"] > 5e6


def test_a_users_mistake_is_one_line(job):
    """A UserError is one line on the terminal, status 1, and no traceback anywhere."""
    done = job("mistake")
    assert done.returncode == 1
    assert done.stderr == "error: file x: line 3 has no question; add one\n"
    assert "Traceback" not in (job.folder / "logs/one.log").read_text()
    assert events(job)["end"]["status"] == "failed"


def test_a_crash_names_the_log(job):
    """Another error is a line that names the log, which has the traceback."""
    done = job("crash")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "logs/one.log" in done.stderr
    assert "Traceback" in (job.folder / "logs/one.log").read_text()
    assert "ZeroDivisionError" in events(job)["end"]["error"]


def test_sigterm_is_an_orderly_end(job):
    """On SIGTERM the events say killed, the memory is written, and the status is 143."""
    assert job("terminated").returncode == 143
    assert events(job)["end"]["status"] == "killed"
    memory = json.loads((job.folder / FOLDER / "memory_usage.json").read_text())
    assert memory["status"] == "killed"


def test_sigkill_leaves_the_memory_and_an_end(job):
    """A job that the kernel kills leaves its peaks, marked as killed, and an end that says why."""
    assert job("vanish", tracking={"mode": "off"}).returncode == -9
    record = job.folder / FOLDER / "memory_usage.json"
    eventually(lambda: json.loads(record.read_text())["status"] == "killed")
    eventually(lambda: "SIGKILL" in events(job)["end"]["error"])
    assert events(job)["end"]["peak"]["rss_bytes"] > 5e6


def eventually(true, seconds=60.0):
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while True:
        with suppress(OSError, ValueError, KeyError):
            if true():
                return
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_second_attempt_keeps_the_first(job):
    """``events.jsonl`` is the newest attempt; the earlier one is still there to be sent."""
    job("crash")
    job("complete")
    assert events(job)["end"]["status"] == "completed"
    assert len(list((job.folder / FOLDER / "attempts").glob("*.jsonl"))) == 2


def test_only_rank_0_reports(job):
    """Another rank of the same job does its work and writes no events."""
    assert job("complete", environment={"RANK": "1"}).returncode == 0
    assert (job.folder / "one.txt").exists()
    assert not (job.folder / "results").exists()


def test_alerts(job):
    """A result beyond its limit is an event and a warning on the terminal."""
    limits = {"truncated_share": 0.1, "expected": {"token_recall": 0.9}, "run_hours": 10}
    done = job("complete", tracking={"alerts": limits})
    assert "share of truncated answers is 0.25, above 0.1" in done.stderr
    assert "token_recall is 0.5, below the expected 0.9" in done.stderr
    lines = (job.folder / FOLDER / "events.jsonl").read_text().splitlines()
    alerts = [event["name"] for event in map(json.loads, lines) if event["kind"] == "alert"]
    assert sorted(alerts) == ["token_recall_low", "truncated_share"]


def test_watchers_that_fail_cost_nothing(job):
    """Where the events' folder cannot be made the job still ends well."""
    (job.folder / "results").write_text("a file in the way")
    done = job("complete")
    assert done.returncode == 0
    assert (job.folder / "one.txt").exists()


def test_importing_job_is_light():
    """``slmrag.job.run`` imports nothing but the standard library and ours."""
    code = "import sys; import slmrag.job.run; print([m for m in %r if m in sys.modules])"
    heavy = ["numpy", "polars", "pydantic", "yaml", "torch", "clearml", "mlflow", "tqdm", "psutil"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    command = [sys.executable, "-S", "-c", code % heavy]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_a_killed_pump_loses_no_line(tmp_path):
    """Where the process that carries the log is killed, the job goes on and its lines arrive."""
    code = """
import time
from slmrag.job.log import JobLog
with JobLog("log") as log:
    log.process.kill()
    time.sleep(0.3)
    for number in range(20000):
        print("line", number, flush=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    command = [sys.executable, "-c", code]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)
    assert (tmp_path / "log").read_text().splitlines()[-1] == "line 19999"
