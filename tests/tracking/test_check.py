"""The connection test names the first thing that is wrong."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytestmark = pytest.mark.slow


def check(place, config=None):
    """Run the connection test with a config, or with none."""
    if config:
        (place.folder / "config.yaml").write_text(config)
    return place.python("-m", "slmrag.tracking.check", "config.yaml").stdout


def test_nothing_configured(place):
    """Without a server it says which file and variables it looked for."""
    (place.folder / ".clearml.conf").touch()
    said = check(place)
    assert f"{place.folder}/clearml.conf does not exist" in said
    assert "but the SDK reads ~/clearml.conf" in said


def test_refused_credentials(tracked, clearml):
    """With a wrong secret all up to the credentials is ok."""
    tracked.environment |= clearml.environment(secret="wrong")
    said = check(tracked)
    assert "ok    server" in said
    assert "FAIL  credentials: the server refuses the access key and secret" in said


@pytest.mark.parametrize(
    ("host", "step", "hint"),
    [
        ("http://127.0.0.1:9", "server", "is the server up, the port right?"),
        ("http://no.such.host.invalid:8008", "host", "does not resolve"),
        ("nonsense", "host", "write http://host:port"),
    ],
)
def test_a_bad_address(tracked, host, step, hint):
    """A port without a listener, a name without an address and no URL at all are told apart."""
    tracked.environment["CLEARML_API_HOST"] = host
    said = check(tracked)
    assert f"FAIL  {step}:" in said
    assert hint in said


def test_another_server(tracked):
    """A server that answers, but not as ClearML's API, is named as such."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tracked.environment["CLEARML_API_HOST"] = f"http://127.0.0.1:{server.server_address[1]}"
        said = check(tracked)
        server.shutdown()
    assert "ok    host" in said
    assert "FAIL  server: " in said
    assert "answers, but not as ClearML's API (port 8008?)" in said


class Page(BaseHTTPRequestHandler):
    """A web page, as on the port of ClearML's web server."""

    def do_GET(self):
        body = b"<html>a page</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("fault", ["stall", "fail"])
def test_a_sick_server(tracked, clearml, fault):
    """A server that is silent or answers 500 is named within the bound."""
    clearml.fault = fault
    said = check(tracked, "tracking: {connect_seconds: 1, deadline_seconds: 20}")
    clearml.stop_stalling.set()
    assert "ok    host" in said
    assert "FAIL  server: " in said


def test_a_project_that_is_not_ours(tracked, clearml):
    """Where no task can be made in the project, that step fails with the server's reason."""
    clearml.denied = {"tasks.create"}
    said = check(tracked, "tracking: {deadline_seconds: 60}")
    assert "ok    credentials" in said
    assert "FAIL  project: no task can be made in slm-experiments/connection-check: " in said
    assert "forbidden" in said


def test_all_is_well(tracked, clearml):
    """With everything as it should be each step says what it tried, and nothing is left."""
    said = check(tracked, "tracking: {deadline_seconds: 60}").splitlines()[1:]
    steps = ["configuration", "host", "server", "credentials", "project", "artifacts"]
    assert [line.split()[:2] for line in said] == [["ok", f"{step}:"] for step in steps]
    assert clearml.url in said[2]
    assert "API version 2.23" in said[3]
    assert (clearml.tasks, clearml.files, clearml.projects) == ({}, {}, {})


def test_online_fails_before_the_first_job(place):
    """Mode online without a server is an error at the start of the run, in one sentence."""
    config = {"experiment": "exp", "tracking": {"mode": "online"}}
    done = place.python(
        "-c", f"from slmrag.tracking import workflow_run; workflow_run.start({config!r})"
    )
    assert done.returncode != 0
    assert "tracking.mode is online, but clearml: configuration: no server" in done.stderr
