"""What the tracking tests share: servers, and jobs in folders of their own."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from slmrag.job.attempts import Attempt, begin_attempt

from tests.tracking.clearml_stand_in import ClearmlServer
from tests.tracking.memory_tracker import START, write

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
PATIENT = {"connect_seconds": 10, "deadline_seconds": 60, "retries": 0}
"""Bounds for a busy machine; a test of the bounds themselves sets its own."""


@dataclass
class Outcome:
    """How a job's process ended."""

    status: int
    seconds: float
    terminal: str


@dataclass
class Run:
    """How a run ended: its jobs, what its driver said, and the seconds of the last hook."""

    jobs: list[Outcome]
    said: str
    seconds: float | None


@dataclass
class Workplace:
    """A folder in which jobs run, without any tracker in the environment but the one given."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    tracking: dict = field(default_factory=lambda: dict(PATIENT))

    def variables(self) -> dict[str, str]:
        """Return the environment of a job."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CLEARML", "MLFLOW"))}
        home = {"HOME": str(self.folder), "PYTHONPATH": f"{SCRIPTS}{os.pathsep}{ROOT}"}
        return kept | home | self.environment

    def python(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess:
        """Run Python here."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.variables(),
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def job(self, main: str, **description) -> Outcome:
        """Run a job to its end, without a driver: nothing is sent."""
        wanted = {"main": main, "tracking": self.tracking, **description}
        begun = time.monotonic()
        done = self.python(str(Path(__file__).with_name("job_process.py")), json.dumps(wanted))
        return Outcome(done.returncode, time.monotonic() - begun, done.stdout + done.stderr)

    def tracked_job(self, main: str, **description) -> Outcome:
        """Run a job to its end in a run of its own."""
        return self.run({"main": main, **description}).jobs[0]

    def run(self, *jobs: dict, status: str = "completed", idle: float = 0.0) -> Run:
        """Run jobs one after the other between the hooks of a driver."""
        described = [{"tracking": self.tracking, **job} for job in jobs]
        wanted = {"jobs": described, "tracking": self.tracking, "status": status, "idle": idle}
        program = str(Path(__file__).with_name("driver_process.py"))
        done = self.python(program, json.dumps(wanted))
        lines = done.stdout.splitlines()
        assert lines, done.stderr
        last = float(lines[1]) if lines[1:] else None
        return Run([Outcome(*job) for job in json.loads(lines[0])], done.stderr, last)

    def sync(self, **changes) -> dict:
        """Send what was kept; return the counts and the failure."""
        raw = json.dumps(self.tracking | changes)
        done = self.python("-m", "slmrag.tracking.sync", "results/exp", text=raw + "\n")
        return json.loads(done.stdout.splitlines()[-1])

    def events(self, name: str = "one", rule: str = "score_answers") -> list[dict]:
        """Return a job's events."""
        path = self.folder / "results/exp/jobs" / rule / "tiny/nq" / name / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines() if line]

    def memory(self, name: str = "one", rule: str = "score_answers") -> dict:
        """Return a job's memory summary."""
        path = self.folder / "results/exp/jobs" / rule / "tiny/nq" / name / "memory_usage.json"
        return json.loads(path.read_text())


@pytest.fixture
def place(tmp_path):
    """A workplace without a tracker."""
    return Workplace(tmp_path)


@pytest.fixture
def clearml():
    """A stand-in of a ClearML server."""
    pytest.importorskip("clearml", reason="the ClearML SDK is not installed")
    with ClearmlServer() as server:
        yield server
    assert not server.unknown and not server.deleted


@pytest.fixture
def tracked(place, clearml):
    """A workplace whose jobs are sent to the stand-in."""
    place.environment |= clearml.environment()
    return place


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """A real S3 server (SeaweedFS) with a bucket ``tracking``."""
    from demo import s3_server

    pytest.importorskip("boto3", reason="boto3 is not installed")
    try:
        s3_server.program()
    except RuntimeError as error:
        pytest.skip(str(error))
    with s3_server.serve(tmp_path_factory.mktemp("s3")) as server:
        server.client().create_bucket(Bucket="tracking")
        yield server


def listed(server) -> dict[str, int]:
    """Return the bucket's keys and sizes."""
    found = server.client().list_objects_v2(Bucket="tracking").get("Contents", [])
    return {entry["Key"]: entry["Size"] for entry in found}


@pytest.fixture
def attempt(tmp_path):
    """An attempt with a start, a point and no end."""
    path = begin_attempt(tmp_path / "results/jobs/generate_answers/tiny", "attempt-1")
    write(path, START, {"kind": "single", "name": "n", "value": 1})
    return Attempt(path)
