"""The whole workflow with a tracker: one tree of tasks, and the same results as without."""

import csv
import hashlib
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.tracking.clearml_stand_in import ClearmlServer
from tests.workflow.project import make_project

pytestmark = pytest.mark.slow
RESULTS = ("answers", "prompts", "retrieval", "scores")
LIMITS = {
    "truncated_share": 0.1,
    "empty_share": 0.9,
    "expected": {"token_recall": 1.0, "token_recall/quiz/oracle_context": 0.0},
    "run_hours": 1e-6,
    "host_memory_percent": 0.001,
}
DEADLINE = 2
NOISE = 20.0
"""Seconds by which a loaded machine may make the same job slower."""


def digests(project):
    """Return the digest of every result that must not change, by its path."""
    root = project.folder / "results" / "tiny"
    files = [file for part in RESULTS for file in sorted((root / part).rglob("*"))]
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file()
    }


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """No tracker in the environment or at home."""
    pytest.importorskip("clearml", reason="the ClearML SDK is not installed")
    for name in [name for name in os.environ if name.startswith(("CLEARML", "MLFLOW", "SLMRAG"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def project(tmp_path):
    """A tiny project with tracking as it is by default."""
    project = make_project(tmp_path / "project")
    project.edit(tracking={"mode": "auto", "project": "tests", "deadline_seconds": 60})
    return project


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """A finished run without a tracker."""
    project = make_project(tmp_path_factory.mktemp("without") / "project")
    project.edit(sampling={"max_tokens": 3})
    project.snakemake("--cores", "2")
    return project


@pytest.fixture(scope="module")
def closed_book(tmp_path_factory):
    """A finished run of one mode, without a tracker."""
    project = make_project(tmp_path_factory.mktemp("closed") / "project")
    only_without_context(project)
    project.snakemake("--cores", "2")
    return project


def only_without_context(project):
    """Leave one mode in the config, so that a run has few jobs."""
    config = project.config
    config["modes"] = {"no_context": config["modes"]["no_context"]}
    project.write(config)


class Hook(BaseHTTPRequestHandler):
    """A webhook that keeps what it gets."""

    def do_POST(self):
        self.server.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    """A webhook's server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        server.posted = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_one_run_is_one_tree_and_costs_no_byte(project, without, hook, monkeypatch):
    """Every job is a child of the run with its numbers, files and alerts; no result differs."""
    monkeypatch.setenv("NOTIFY", f"http://127.0.0.1:{hook.server_address[1]}/hooksecret")
    tracking = {"alerts": LIMITS, "webhook_env": "NOTIFY"}
    project.edit(sampling={"max_tokens": 3}, tracking=tracking)
    with ClearmlServer() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        said = project.snakemake("--cores", "2").stderr
        before = len(server.tasks)
        assert f"tracking: {before} tasks sent\n" in said and not server.unknown
        project.snakemake("--cores", "1", "sync_tracking")
        assert len(server.tasks) == before
    (run,) = [task for task in server.tasks.values() if task["type"] == "controller"]
    jobs = {task["name"].split()[0]: task for task in server.tasks.values() if task is not run}
    assert {t["parent"] for t in server.tasks.values() if t is not run} == {run["id"]}
    assert {task["status"] for task in server.tasks.values()} == {"completed"}
    look_at_numbers(server, jobs)
    look_at_files(jobs)
    look_at_alerts(project, jobs, said)
    (summary,) = map(json.loads, hook.posted)
    assert summary["status"] == "completed"
    assert any("token_recall is" in alert for alert in summary["alerts"])
    assert digests(project) == digests(without) != {}
    written = [file for file in project.folder.rglob("*") if file.is_file()]
    assert not any(b"hooksecret" in file.read_bytes() for file in written)


def look_at_numbers(server, jobs):
    """The tasks have the numbers that a reader of the tracker wants."""
    wanted = {
        "prepare_dataset": ["questions", "with_gold"],
        "index_passages": ["index_documents", "bytes"],
        "retrieve_passages": ["questions", "has_answer@1"],
        "generate_answers": ["questions", "tokens_per_second", "truncated", "empty"],
        "score_answers": ["token_recall/quiz/no_context", "f1/quiz/oracle_context"],
        "report_comparison": ["cells"],
    }
    for rule, names in wanted.items():
        scalars = server.scalars(jobs[rule]["id"])
        for name in [*names, "run_time_seconds"]:
            assert ("Summary", name) in scalars, (rule, name)
        assert scalars["peak memory GB", "job CPU"][0] > 0.01
    assert server.scalars(jobs["index_passages"]["id"])["Summary", "index_documents"] == [6]
    assert ("peak memory GB", "model CPU") in server.scalars(jobs["generate_answers"]["id"])
    plots = {e["metric"] for e in server.events.values() if e["type"] == "plot"}
    assert {"comparison", "token_recall-quiz"} <= plots


def look_at_files(jobs):
    """The tasks have the files with what they are about."""
    files = {
        rule: {item["key"]: dict(item["display_data"]) for item in task["execution"]["artifacts"]}
        for rule, task in jobs.items()
    }
    assert all("memory_usage" in kept for kept in files.values())
    about = files["generate_answers"]["predictions_quiz_oracle_context"]
    expected = {"model": "parrot", "dataset": "quiz", "mode": "oracle_context", "answers": "5"}
    assert about.items() >= expected.items()
    about = files["score_answers"]["experiment_results_quiz_no_context"]
    assert {"token_recall", "questions", "truncated", "empty"} <= set(about)
    assert {"report", "csv"} <= set(files["report_comparison"])
    assert int(files["score_answers"]["memory_usage"]["rss_bytes"]) > 1e7


def look_at_alerts(project, jobs, said):
    """Each limit that was passed is an event, a warning, a tag, and known to the report."""
    told = []
    for path in sorted((project.folder / "results/tiny/jobs").rglob("events.jsonl")):
        events = map(json.loads, path.read_text().splitlines())
        told += [event for event in events if event["kind"] == "alert"]
    names = {event["name"] for event in told}
    expected = {"truncated_share", "token_recall_low", "run_hours", "host_memory_percent"}
    assert names == expected
    assert any("in quiz/no_context" in event["message"] for event in told)
    assert not any("oracle" in e["message"] for e in told if e["name"] == "token_recall_low")
    assert {f"alert:{name}" for name in expected} <= set(jobs["score_answers"]["tags"])
    assert "alert: share of truncated answers is" in said
    assert (
        "below the expected 1" in (project.folder / "results/tiny/report/report.html").read_text()
    )


def test_a_run_without_a_server_keeps_all_for_a_sync(project, monkeypatch):
    """By default, with no server, the driver says what is kept; a sync with one sends it."""
    only_without_context(project)
    said = project.snakemake("--cores", "2").stderr
    attempts = list(project.folder.glob("results/tiny/jobs/**/attempts/*.jsonl"))
    kept = f"{len(attempts)} tasks kept for `snakemake -c1 sync_tracking`"
    assert f"tracking: {kept}; no clearml server is configured" in said
    with ClearmlServer() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        project.snakemake("--cores", "1", "sync_tracking")
        assert len(server.tasks) == len(attempts) and not server.unknown
        (score,) = [t for t in server.tasks.values() if t["name"].startswith("score_answers")]
        assert ("Summary", "token_recall/quiz/no_context") in server.scalars(score["id"])
        assert {"model:parrot", "rule:score_answers"} <= set(score["tags"])


def test_online_stops_before_the_first_job(project):
    """With mode online and no server the run ends at once, in one sentence, with no job begun."""
    project.edit(tracking={"mode": "online"})
    done = project.snakemake("--cores", "1", check=False)
    assert done.returncode != 0
    assert "tracking.mode is online, but clearml: configuration: no server" in done.stderr
    assert not (project.folder / "resources" / "raw").exists()


FAULTS = {
    "refusing": ({"CLEARML_API_HOST": "http://127.0.0.1:9"}, {}),
    "silent": ({}, {"fault": "stall"}),
    "slow": ({}, {"slow_seconds": 1.0}),
    "answering 500": ({}, {"fault": "fail"}),
    "dying in the middle": ({}, {"die_after": 12}),
    "rejecting credentials": ({"CLEARML_API_SECRET_KEY": "wrong"}, {}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_server_costs_no_byte_and_no_more_than_the_deadline(
    project, closed_book, monkeypatch, fault
):
    """Results are byte-equal, no job takes longer, no process is left."""
    variables, harm = FAULTS[fault]
    bounds = {"connect_seconds": 1, "deadline_seconds": DEADLINE}
    project.edit(tracking={**bounds, "retries": 0})
    only_without_context(project)
    with ClearmlServer() as server:
        for name, value in (server.environment() | variables).items():
            monkeypatch.setenv(name, value)
        for name, value in harm.items():
            setattr(server, name, value)
        project.snakemake("--cores", "2")
        assert digests(project) == digests(closed_book) != {}
        times, usual = seconds(project), seconds(closed_book)
        assert times.keys() == usual.keys()
        late = {job: (times[job], usual[job]) for job in times if times[job] > limit(usual[job])}
        assert not late
        assert eventually_none(lambda: publishers(project.folder))


def limit(usual):
    """Return how long a job may take that usually takes so long."""
    return usual + DEADLINE + NOISE


def seconds(project):
    """Return each job's wall time by its benchmark's name."""
    found = {}
    for path in sorted((project.folder / "benchmarks").rglob("*.tsv")):
        with path.open(newline="") as file:
            (row,) = csv.DictReader(file, delimiter="\t")
        found[str(path.relative_to(project.folder))] = float(row["s"])
    return found


def publishers(folder):
    """Return the processes of publishers that work in a folder."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            here = os.readlink(f"/proc/{process}/cwd")
            command = Path(f"/proc/{process}/cmdline").read_text()
        except OSError:
            continue
        if here == str(folder) and "slmrag.tracking" in command:
            found.append(process)
    return found


def eventually_none(look, wait=60.0):
    """Say whether there is nothing in the end."""
    end = time.monotonic() + wait
    while time.monotonic() < end:
        if not look():
            return True
        time.sleep(0.2)
    return False
