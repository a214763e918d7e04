"""The whole workflow beside a real MLflow server that is killed in its middle."""

import hashlib
import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.slurm.driver import completions
from tests.slurm.processes import wait
from tests.workflow.project import make_project

pytestmark = pytest.mark.slow
RESULTS = ("answers", "prompts", "retrieval", "scores")
SLOW = {"parrot": {"options": {"delay": 3.0}}}
"""Five prompts, so that the server dies while they are answered."""


class Server:
    """An MLflow server that keeps its runs in a folder and can be killed and started again."""

    def __init__(self, program: str, folder: Path):
        self.folder, self.process = folder, None
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        store = f"--backend-store-uri sqlite:///{folder}/runs.db"
        files = f"--artifacts-destination {folder}/files"
        where = f"--host 127.0.0.1 --port {self.port} --workers 1"
        self.command = f"{program} server {where} {store} {files}".split()

    def start(self) -> None:
        """Start it, and wait for its first answer."""
        given = {"HOME": str(self.folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
        given |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                self.command,
                env=os.environ | given,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait(self.answers, "MLflow's first answer", 300)

    def answers(self) -> bool:
        """Say whether it answers."""
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return bool(urlopen(f"{self.url}/health", timeout=2).read())
        except (URLError, OSError):
            return False

    def kill(self) -> None:
        """End it and its workers without a word."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A running server that this process's environment names."""
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    program = os.environ.get("MLFLOW_SERVER")
    if not program:
        pytest.skip("MLFLOW_SERVER does not name the command of a full MLflow")
    for name in [name for name in os.environ if name.startswith(("CLEARML", "MLFLOW", "SLMRAG"))]:
        monkeypatch.delenv(name)
    (tmp_path / "mlflow").mkdir()
    server = Server(program, tmp_path / "mlflow")
    try:
        server.start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        yield server
    finally:
        server.kill()


def closed_book(folder, **tracking):
    """Return a project of one mode that takes its time to answer."""
    project = make_project(folder, models=SLOW, tracking=tracking)
    config = project.config
    config["modes"] = {"no_context": config["modes"]["no_context"]}
    project.write(config)
    return project


def test_a_server_killed_midway_costs_nothing_and_gets_the_rest_once(server, tmp_path):
    """Results are equal to a run's without it; a sync sends what it missed, each attempt once."""
    reference = closed_book(tmp_path / "reference", mode="off")
    reference.run()
    bounds = {"connect_seconds": 20, "deadline_seconds": 60, "retries": 0}
    project = closed_book(tmp_path / "project", backend="mlflow", mode="auto", **bounds)
    with open(tmp_path / "said", "w") as said:
        command = project.command("--cores", "2")
        run = subprocess.Popen(command, cwd=project.folder, stdout=said, stderr=said)
    wait(lambda: completions(project) or run.poll() is not None, "no answer", 300)
    server.kill()
    said = tmp_path / "said"
    assert run.wait(300) == 0, said.read_text()
    assert digests(project) == digests(reference) != {}
    assert "kept for `snakemake -c1 sync_tracking`" in said.read_text()
    attempts = sorted(project.folder.glob("results/tiny/jobs/**/attempts/*.jsonl"))
    assert not all(sent(attempt) for attempt in attempts)
    server.start()
    project.snakemake("-c1", "sync_tracking")
    assert all(sent(attempt) for attempt in attempts)
    first = runs()
    assert sorted(first) == sorted(attempt.stem for attempt in attempts)
    assert set(first.values()) == {"FINISHED"}
    project.snakemake("-c1", "sync_tracking")
    assert runs() == first


def sent(attempt: Path) -> bool:
    """Say whether all of an attempt was sent."""
    note = attempt.with_suffix(".mlflow.json")
    return note.exists() and bool(json.loads(note.read_text()).get("done"))


def runs() -> dict[str, str]:
    """Return the status of each run at the server by its attempt; none is there twice."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    experiment = client.get_experiment_by_name("slm-experiments/tiny")
    found = client.search_runs([experiment.experiment_id])
    status = {run.data.tags["slmrag.attempt"]: run.info.status for run in found}
    assert len(status) == len(found)
    return status


def digests(project) -> dict[str, str]:
    """Return the digest of every result, by its path."""
    root = project.folder / "results/tiny"
    files = [file for part in RESULTS for file in sorted((root / part).rglob("*"))]
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file()
    }
