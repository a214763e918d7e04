"""What the config says of tracking holds in the jobs, as it was checked, however it is written."""

import json
import socket
import threading

import pytest

from tests.workflow.project import make_project

pytestmark = pytest.mark.slow
CONFIG = """\
experiment: 007
objects: {passages: {uri: data/passages.tsv}, questions: {uri: data/questions.json}}
corpora: {facts: {object: passages, format: dpr_tsv}}
datasets: {quiz: {object: questions, format: dpr, corpus: facts}}
retrievers: {bm25: {kind: rank_bm25}}
modes:
  no_context: {context: none, prompt: config/prompts/no_context.jinja}
  1.50: {context: retriever, retriever: bm25, prompt: config/prompts/with_context.jinja}
models: {parrot: {engine: echo}}
metrics: {bootstrap: 200}
tracking: {mode: MODE}
"""


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """The connections to the server that is configured as the tracker; it never answers."""
    found = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def count():
            while True:
                try:
                    found.append(server.accept())
                except OSError:
                    return

        threading.Thread(target=count, daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("CLEARML_API_HOST", address)
        monkeypatch.setenv("CLEARML_API_ACCESS_KEY", "key")
        monkeypatch.setenv("CLEARML_API_SECRET_KEY", "secret")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        monkeypatch.setenv("HOME", str(tmp_path))
        yield found
        server.shutdown(socket.SHUT_RDWR)


def written(folder, mode):
    """Return a project with a config as people write it."""
    project = make_project(folder)
    (folder / "config.yaml").write_text(CONFIG.replace("MODE", mode))
    return project


def test_an_unquoted_off_is_off_in_every_job(tmp_path, calls):
    """No job calls the configured server; all write below the one name, and sample as told."""
    project = written(tmp_path / "p", "off")
    project.run("--config", "tracking={interval_seconds: 5}", "--", "all")
    assert calls == []
    assert [path.name for path in (project.folder / "results").iterdir()] == ["007"]
    logs = list(project.folder.glob("results/007/jobs/*/**/events.jsonl"))
    starts = [json.loads(log.read_text().splitlines()[0]) for log in logs]
    jobs = [start for start in starts if start["rule"] != "workflow"]
    assert len(jobs) >= 10 and {start["experiment"] for start in starts} == {"007"}
    assert {start["rule"] for start in jobs} >= {"generate_answers", "report_comparison"}
    assert (project.folder / "results/007/answers/parrot/quiz/1.50.parquet").exists()
    said = [path.read_text() for path in (project.folder / "logs").rglob("*.log")]
    assert not [text for text in said if "tracking:" in text and "failed" in text]
    memory = [
        json.loads(p.read_text())
        for p in project.folder.glob("results/007/jobs/**/memory_usage.json")
    ]
    assert len(memory) == len(jobs)


def test_the_same_server_is_called_where_tracking_is_on(tmp_path, calls):
    """What the other test counts is there to be counted."""
    project = written(tmp_path / "p", "auto")
    setting = "tracking={deadline_seconds: 15, connect_seconds: 1, retries: 0}"
    project.run("--until", "download_object", "--config", setting, "--", "all", check=False)
    assert calls
