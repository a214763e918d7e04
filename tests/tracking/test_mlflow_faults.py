"""MLflow's real client against servers that are not well; no job notices."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytestmark = pytest.mark.slow
DEADLINE = 3
NOISE = 15.0
"""Seconds by which a loaded machine may make the same job slower."""


class Server(ThreadingHTTPServer):
    """A server in a bad mood: ``silent``, or a status that it answers to everything."""

    daemon_threads = True

    def __init__(self, mood):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mood, self.leave, self.asked = mood, threading.Event(), 0

    def handle_error(self, request, client_address):
        """Say nothing: clients are killed here on purpose."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked += 1
        if self.server.mood == "silent" or (self.server.mood == "dying" and self.server.asked > 1):
            self.server.leave.wait(120)
        status = {"dying": 404}.get(self.server.mood, self.server.mood)
        body = json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "told to"}).encode()
        self.send_response(status if isinstance(status, int) else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def tracked(place):
    """A workplace whose tracker is MLflow."""
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    place.environment |= {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "my-word"}
    place.tracking = {"backend": "mlflow", "connect_seconds": 1, "retries": 0}
    place.tracking |= {"deadline_seconds": DEADLINE}
    return place


@pytest.mark.parametrize("mood", ["refusing", "silent", "dying", 500, 401, 403])
def test_a_bad_server_costs_no_result(tracked, mood):
    """Whatever the server does, the output is the same, the time bounded, and the events kept."""
    without = tracked.job("complete", name="off", tracking={"mode": "off"})
    with Server(mood) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = 9 if mood == "refusing" else server.server_address[1]
        tracked.environment["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port}"
        run = tracked.run({"main": "complete"})
        (outcome,) = run.jobs
        server.leave.set()
        server.shutdown()
    assert (outcome.status, outcome.terminal) == (0, "")
    assert outcome.seconds < without.seconds + NOISE
    assert run.seconds < DEADLINE + NOISE
    assert (tracked.folder / "one.txt").read_bytes() == (tracked.folder / "off.txt").read_bytes()
    assert tracked.events()[-1]["status"] == "completed"
    notes = [json.loads(note.read_text()) for note in tracked.folder.rglob("*.mlflow.json")]
    assert not any(note.get("done") for note in notes)
    assert "my-word" not in json.dumps(notes)


@pytest.mark.parametrize(
    ("mood", "step", "said"),
    [
        ("unset", "configuration", "MLFLOW_TRACKING_URI is not set"),
        ("nowhere", "host", "does not resolve"),
        ("refusing", "server", "is the server up, the port right?"),
        (404, "server", "answers 404"),
    ],
)
def test_the_check_names_what_is_wrong(tracked, mood, step, said):
    """The connection test ends at the first step that fails and says why."""
    (tracked.folder / "config.yaml").write_text("tracking: {backend: mlflow, connect_seconds: 5}\n")
    with Server(mood) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        places = {"nowhere": "http://no.such.host.invalid:5000", "refusing": "http://127.0.0.1:9"}
        if mood != "unset":
            address = places.get(mood, f"http://127.0.0.1:{server.server_address[1]}")
            tracked.environment["MLFLOW_TRACKING_URI"] = address
        done = tracked.python("-m", "slmrag.tracking.check", "config.yaml")
        server.shutdown()
    assert done.returncode == 1
    assert f"FAIL  {step}: " in done.stdout.splitlines()[-1]
    assert said in done.stdout.splitlines()[-1]
