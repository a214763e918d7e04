"""The whole workflow with a tracker: one tree of tasks, and the same results as without."""

import hashlib
import os

import pytest

from tests.tracking.clearml_stand_in import ClearmlServer
from tests.workflow.project import make_project

pytestmark = pytest.mark.slow
RESULTS = ("answers", "prompts", "retrieval", "scores")


def digests(project):
    """Return the digest of every result that must not change, by its path."""
    root = project.folder / "results" / "tiny"
    files = [file for part in RESULTS for file in sorted((root / part).rglob("*"))]
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file()
    }


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A tiny project with tracking as it is by default, and no tracker in the environment."""
    for name in [name for name in os.environ if name.startswith(("CLEARML", "MLFLOW", "SLMRAG"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    project = make_project(tmp_path / "project")
    project.edit(tracking={"mode": "auto", "project": "tests", "deadline_seconds": 60})
    return project


def test_one_run_is_one_tree_and_costs_no_byte(project, tmp_path, monkeypatch):
    """Every job is a child of the run; nothing is left to send; the results are those of off."""
    pytest.importorskip("clearml", reason="the ClearML SDK is not installed")
    with ClearmlServer() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        project.snakemake("--cores", "2")
        before = len(server.tasks)
        project.snakemake("--cores", "1", "sync_tracking")
        assert len(server.tasks) == before
    (run,) = [task for task in server.tasks.values() if task["type"] == "controller"]
    jobs = [task for task in server.tasks.values() if task is not run]
    assert {task["parent"] for task in jobs} == {run["id"]}
    assert {task["status"] for task in server.tasks.values()} == {"completed"}
    rules = {task["name"].split()[0] for task in jobs}
    assert {"generate_answers", "score_answers", "report_comparison"} <= rules
    artifacts = {item["key"] for task in jobs for item in task["execution"]["artifacts"]}
    assert "memory_usage" in artifacts
    assert any(key.startswith("predictions") for key in artifacts)
    assert any(key.startswith("experiment_results") for key in artifacts)
    other = make_project(tmp_path / "other")
    other.snakemake("--cores", "2")
    assert digests(project) == digests(other) != {}


def test_a_run_without_a_server_leaves_sessions(project):
    """By default, with no server, each job's offline session is there when the run ends."""
    pytest.importorskip("clearml", reason="the ClearML SDK is not installed")
    said = project.snakemake("--cores", "2").stderr
    attempts = list(project.folder.glob("results/tiny/jobs/**/attempts/*.jsonl"))
    sessions = list(project.folder.glob("results/tiny/tracking/clearml/*.zip"))
    assert len(sessions) == len(attempts) > 10
    assert f"tracking: {len(sessions)} offline sessions written" in said


def test_online_stops_before_the_first_job(project):
    """With mode online and no server the run ends at once, in one sentence, with no job begun."""
    project.edit(tracking={"mode": "online"})
    done = project.snakemake("--cores", "1", check=False)
    assert done.returncode != 0
    assert "tracking.mode is online, but clearml: configuration: no server" in done.stderr
    assert not (project.folder / "resources" / "raw").exists()
