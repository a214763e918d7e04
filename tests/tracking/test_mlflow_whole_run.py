"""A workflow whose real MLflow server is killed in its middle, and a run as a reader finds it."""

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
from slmrag.job.attempts import attempt_log
from slmrag.job.events import EventLog
from slmrag.tracking.mlflow.tracker import client_variables
from slmrag.tracking.settings import settings
from slmrag.tracking.sync import synchronize

from tests.report.made_up import MadeUp
from tests.report.test_tracked import told
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


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """A server; starting it takes most of a minute."""
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    program = os.environ.get("MLFLOW_SERVER")
    if not program:
        pytest.skip("MLFLOW_SERVER does not name the command of a full MLflow")
    server = Server(program, tmp_path_factory.mktemp("mlflow"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def server(started, monkeypatch):
    """The running server, which this process's environment names."""
    for name in [name for name in os.environ if name.startswith(("CLEARML", "MLFLOW", "SLMRAG"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", started.url)
    return started


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


SCORES = {"model": "tiny", "dataset": "facts", "mode": "oracle_context"}
CODE = {"commit": "abc", "dirty": False, "repository": "https://x.example/y", "diff": "+a\n"}
TRACKING = {"backend": "mlflow", "project": "readable", "deadline_seconds": 60}
REQUESTS_OF_A_JOB = 10
"""As docs/tracking.md says: of a job with its log and a data set."""


@pytest.fixture(scope="module")
def shown(started, tmp_path_factory):
    """What a run with a report and a failed job shows: (events of the report, requests of the job).

    The report is a real one of a made-up experiment.
    """
    folder = tmp_path_factory.mktemp("readable")
    made = MadeUp(folder / "made", ("tiny",), ("facts",), 12)
    report = [(event.pop("kind"), event) for event in told(made) if event.pop("time")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", started.url)
        patch.chdir(folder)
        requests_sent = count_requests(patch)
        write_run(report)
        sync_here(patch)
        before = len(requests_sent)
        write_failed_job(made)
        sync_here(patch)
        yield dict_of_lists(report), len(requests_sent) - before


def dict_of_lists(pairs):
    """Return the second values by the first ones."""
    return {kind: [event for other, event in pairs if other == kind] for kind, _ in pairs}


def write_run(report):
    """Write the logs of a run and of its report's job."""
    single = ("single", {"name": "token_recall tiny/facts/oracle_context", "value": 0.5})
    done = ("end", {"status": "completed", "error": None, "peak": {"rss_bytes": 3e9}})
    kept = [event for event in report if event[0] in ("note", "table")]
    write_attempt("run-7", single, *kept, done, packages={"polars": "1"}, code=CODE)
    job = {"rule": "report_comparison", "wildcards": {"kind": "all"}}
    write_attempt("r", *report, done, **job)


def write_failed_job(made):
    """Write the log of a job that has scores, progress and a data set, and fails at its end."""
    bars = [("progress", {"name": "b", "done": n, "total": 4, "per_second": n}) for n in (1, 2)]
    path = made.path("scores", *SCORES.values(), end="json")
    summary = ("artifact", {"name": "summaries", "path": str(path), "bytes": 9, "sha256": "0"})
    failed = ("end", {"status": "failed", "error": "Oh: no", "log_tail": ["before", "last"]})
    job = {"rule": "score_answers", "wildcards": SCORES, "user": "ann"}
    log = write_attempt("s", *bars, summary, failed, **job).with_suffix(".log")
    log.write_text("before\nlast\n")


def write_attempt(name, *kinds, rule="workflow", wildcards=None, **fields):
    """Write the log of an attempt that has ended; return its path. ``kinds`` are its events."""
    wildcards = wildcards or {"run": name}
    path = attempt_log(Path("results/exp/jobs", rule, *wildcards.values()), name)
    log = EventLog(path)
    start = {"id": name, "run": "run-7", "rule": rule, "wildcards": wildcards, "experiment": "exp"}
    log.write("start", **start, **fields)
    for kind, event in kinds:
        log.write(kind, **event)
    log.close()
    return path


def count_requests(patch):
    """Return a list that grows with each request of this process's clients."""
    import requests

    sent, send = [], requests.Session.send

    def counted(session, request, **options):
        sent.append((request.method, request.url))
        return send(session, request, **options)

    patch.setattr(requests.Session, "send", counted)
    return sent


def sync_here(patch):
    """Send what was kept, in this process, whose environment is restored."""
    chosen = settings(TRACKING)
    for name, value in client_variables(chosen).items():
        patch.setenv(name, value)
    _, failure = synchronize(Path("results/exp"), chosen)
    assert failure is None


@pytest.fixture
def read(server, shown):
    """A client, and the runs by name."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    experiment = client.get_experiment_by_name("readable/exp").experiment_id
    return client, {run.info.run_name: run for run in client.search_runs([experiment])}


def text_of(client, run, path):
    """Return a file of a run as text, from where its listing says it is."""
    folder = path.rpartition("/")[0] or None
    assert path in {file.path for file in client.list_artifacts(run.info.run_id, folder)}
    return Path(client.download_artifacts(run.info.run_id, path)).read_text()


def test_a_job_sends_few_requests(shown):
    """A server with passwords takes most of a second for each; two more are the connection's."""
    assert shown[1] <= REQUESTS_OF_A_JOB + 2


def test_a_stranger_reads_the_outcome(read, shown):
    """The run and its report have the note as their description, the numbers and both tables."""
    client, runs = read
    told_of, _ = shown
    for run in (runs["workflow run-7"], runs["report_comparison all"]):
        assert run.data.tags["mlflow.note.content"] == told_of["note"][0]["text"]
        paths = [f"tables/{event['name']}.json" for event in told_of["table"]]
        listed = json.loads(run.data.tags["mlflow.loggedArtifacts"])
        assert [entry["path"] for entry in listed] == paths
        back = client.load_table(run.info.experiment_id, paths[0], [run.info.run_id])
        assert back.to_dict("records") == told_of["table"][0]["rows"]
    numbers = runs["workflow run-7"].data.metrics
    assert numbers["token_recall tiny/facts/oracle_context"] == 0.5
    assert numbers["peak memory GB/job CPU"] == 3.0
    report = runs["report_comparison all"].info.run_id
    pictures = {file.path for file in client.list_artifacts(report, "plots")}
    assert pictures == {f"plots/{event['name']}.svg" for event in told_of["plot"]}


def test_what_ran_is_known(read):
    """Commit and repository stand on each run, packages and diff once, on the workflow's."""
    client, runs = read
    run, job = runs["workflow run-7"], runs["score_answers tiny/facts/oracle_context"]
    for one in (run, job):
        assert one.data.tags["mlflow.source.name"] == "https://x.example/y"
        assert one.data.tags["mlflow.source.git.commit"] == "abc"
    assert text_of(client, run, "requirements.txt") == "polars==1\n"
    assert text_of(client, run, "diff.patch") == "+a\n"
    assert [file.path for file in client.list_artifacts(job.info.run_id)] == ["log", "summaries"]
    assert job.data.tags["mlflow.user"] == "ann"


def test_a_failed_job_has_its_log_progress_and_data_set(read):
    """The last lines are a tag, the log is a text, progress a series, the data set an input."""
    client, runs = read
    job = runs["score_answers tiny/facts/oracle_context"]
    assert job.info.status == "FAILED" and job.data.tags["error"] == "Oh: no"
    assert job.data.tags["log_tail"] == "before\nlast"
    assert text_of(client, job, "log/s.log") == "before\nlast\n"
    rates = client.get_metric_history(job.info.run_id, "per second/b")
    assert sorted(point.value for point in rates) == [1, 2]
    (one,) = job.inputs.dataset_inputs
    about = json.loads(one.dataset.profile)
    assert (one.dataset.name, about["num_rows"]) == ("facts", 12)
    assert about["sha256"].startswith(one.dataset.digest) and len(one.dataset.digest) == 36
