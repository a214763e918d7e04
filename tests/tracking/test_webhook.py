"""A run's summary for a webhook, and a webhook that is not well."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from slmrag.job.attempts import begin_attempt
from slmrag.tracking import webhook, workflow_run

SECRET = "T0KEN-of-the-hook"
START = {
    "time": 100.0,
    "kind": "start",
    "id": "attempt-1",
    "rule": "generate_answers",
    "wildcards": {"model": "tiny"},
    "experiment": "e",
    "params": {},
}


class Hook(ThreadingHTTPServer):
    """A webhook that keeps what it gets, refuses it, or never answers."""

    daemon_threads = True

    def __init__(self, mood="well"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mood, self.posted, self.leave = mood, [], threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/{SECRET}"


class Handler(BaseHTTPRequestHandler):
    """One post."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append(json.loads(body))
        if self.server.mood == "silent":
            self.server.leave.wait(60)
        self.send_response(500 if self.server.mood == "refusing" else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for a run whose webhook's address is in ``NOTIFY``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(workflow_run.code_version.VERSION_VARIABLE, "")
    monkeypatch.setenv(workflow_run.RUN_ID_VARIABLE, "run-1")
    monkeypatch.setenv(workflow_run.PREFIX_VARIABLE, "")
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 1.0)
    return tmp_path


def whole_run(url, monkeypatch):
    """Begin and end a run with one failed job."""
    monkeypatch.setenv("NOTIFY", url)
    config = {"experiment": "e", "tracking": {"mode": "off", "webhook_env": "NOTIFY"}}
    workflow_run.start(config)
    path = begin_attempt(Path("results/e/jobs/generate_answers/tiny"), "attempt-1")
    alert = {"kind": "alert", "name": "run_hours", "message": "too long"}
    score = {"kind": "single", "name": "token_recall/nq/oracle", "value": 0.5}
    events = [START | {"run": os.environ[workflow_run.RUN_ID_VARIABLE]}, alert, score]
    events.append({"kind": "end", "status": "failed"})
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    begun = time.monotonic()
    workflow_run.finish(config, "failed")
    return time.monotonic() - begun


def test_a_runs_summary_reaches_the_webhook(place, monkeypatch, capfd):
    """At the end of a run its jobs, failures, alerts and results are posted to the address."""
    hook = Hook()
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 60.0)
    monkeypatch.setattr(workflow_run, "WEBHOOK_SECONDS", 60.0)
    whole_run(hook.url, monkeypatch)
    (summary,) = hook.posted
    assert summary["jobs"] == {"failed": 1}
    assert summary["failed"] == ["generate_answers tiny"]
    assert summary["alerts"] == ["generate_answers tiny: too long"]
    assert summary["results"] == {"generate_answers tiny": {"token_recall/nq/oracle": 0.5}}
    assert summary["text"] == "e: failed, 1 jobs, 1 not completed, 1 alerts"
    assert "webhook" not in capfd.readouterr().err


@pytest.mark.parametrize("mood", ["refusing", "silent", "absent", "nonsense"])
def test_a_bad_webhook_costs_seconds_and_no_secret(place, monkeypatch, capfd, mood):
    """A webhook that does not take the summary is one line on the terminal, without its address."""
    hook = Hook(mood)
    urls = {"absent": f"http://127.0.0.1:9/{SECRET}", "nonsense": f"nonsense {SECRET}"}
    seconds = whole_run(urls.get(mood, hook.url), monkeypatch)
    hook.leave.set()
    said = capfd.readouterr()
    assert seconds < workflow_run.WEBHOOK_SECONDS + 5
    assert said.err.count("tracking: the webhook failed: ") == 1
    written = [file.read_text() for file in place.rglob("*") if file.is_file()]
    assert not any(SECRET in text for text in [said.out, said.err, *written])


def test_a_run_without_jobs_is_not_announced(place, monkeypatch):
    """Where nothing was to be done there is nothing to tell."""
    hook = Hook()
    monkeypatch.setenv("NOTIFY", hook.url)
    config = {"experiment": "e", "tracking": {"mode": "off", "webhook_env": "NOTIFY"}}
    workflow_run.start(config)
    workflow_run.finish(config, "completed")
    assert hook.posted == []
