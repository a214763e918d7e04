"""A stand-in of ClearML's API and file server, which can be told to refuse, stall, fail and die.

It speaks the endpoints of ``clearml_api.py``, keeps what it is told in plain dictionaries, and is
as strict as the server: see there. Files need the token, and silent tasks are stopped.
"""

import base64
import itertools
import json
import re
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from tests.tracking.clearml_api import ENDPOINTS, Data, Refused, checked

KEY, SECRET = "standinkey00", "standinsecret0000"
LONGEST_STALL = 600
API = re.compile(r"/(v[\d.]+/)?(auth|debug|events|models|projects|tasks|users)\.\w+(\?|$)")


class ClearmlServer(ThreadingHTTPServer):
    """Projects, tasks, models, events and files in memory, behind one port of the loopback."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0):
        """Listen on a free port, or on the one given."""
        super().__init__(("127.0.0.1", port), Handler)
        self.projects: dict[str, Data] = {}
        self.tasks: dict[str, Data] = {}
        self.models: dict[str, Data] = {}
        self.events: dict[tuple, Data] = {}
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, bytes]] = []
        self.unknown: list[str] = []
        """Calls and fields that no server knows: a test in which one was made has failed."""
        self.deleted: list[str] = []
        """Addresses whose files a server would have deleted."""
        self.watchdog_seconds = 7200.0
        self.store_refuses = False
        self.clock = itertools.count()
        self.fault = "none"
        self.denied: set[str] = set()
        self.die_after: int | None = None
        self.slow_seconds = 0.0
        self.lock = threading.RLock()
        self.stop_stalling = threading.Event()

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def environment(self, secret: str = SECRET) -> dict[str, str]:
        """Return the variables that point the SDK here."""
        return {
            "CLEARML_API_HOST": self.url,
            "CLEARML_WEB_HOST": self.url,
            "CLEARML_FILES_HOST": self.url,
            "CLEARML_API_ACCESS_KEY": KEY,
            "CLEARML_API_SECRET_KEY": secret,
        }

    def __enter__(self) -> "ClearmlServer":
        """Serve in a thread."""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        """Stop, and let stalled requests go."""
        self.stop_stalling.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients are killed here on purpose."""

    def task(self, name: str) -> Data:
        """Return the one task of this name; fail where there are several or none."""
        (found,) = [task for task in self.tasks.values() if task["name"] == name]
        return found

    def scalars(self, task: str) -> dict[tuple[str, str], list[float]]:
        """Return a task's points by metric and variant, in order of iteration."""
        found: dict[tuple[str, str], list[float]] = {}
        for event in sorted(self.events.values(), key=lambda event: event.get("iter") or 0):
            if event["task"] == task and event["type"] == "training_stats_scalar":
                found.setdefault((event["metric"], event["variant"]), []).append(event["value"])
        return found

    def stop_silent_tasks(self) -> None:
        """Stop the tasks without an update for too long, as the server's watchdog does."""
        with self.lock:
            for task in self.tasks.values():
                silent = time.monotonic() - task["updated"]
                if task["status"] == "in_progress" and silent > self.watchdog_seconds:
                    why = "Forced stop (non-responsive)"
                    task.update(status="stopped", status_reason=why, status_message=why)

    def lines(self, task: str) -> str:
        """Return a task's console."""
        logs = [e for e in self.events.values() if e["task"] == task and e["type"] == "log"]
        return "\n".join(event["msg"] for event in logs)


class Handler(BaseHTTPRequestHandler):
    """One request: perhaps a fault, else an API call or a file."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body in one packet: in two, the second waits 40 ms for the first one's receipt."""
    server: ClearmlServer

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        """Answer as to POST: the SDK may be set to either."""
        self.do_POST()

    def do_DELETE(self) -> None:
        """Answer as to POST."""
        self.do_POST()

    def do_PUT(self) -> None:
        """Answer as to POST."""
        self.do_POST()

    def do_HEAD(self) -> None:
        """Say whether a file is here."""
        self.answer(200 if self.path in self.server.files else 404, b"")

    def do_POST(self) -> None:
        """Read the body, suffer the fault, and answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.lock:
            self.server.requests.append((f"{self.path} {self.headers}", body))
        if not self.faulty():
            self.api(body) if API.match(self.path) else self.file(body)

    def faulty(self) -> bool:
        """Do what the server was told to do wrong; return whether that was all."""
        server = self.server
        if server.die_after is not None:
            server.die_after -= 1
            if server.die_after < 0:
                server.fault = "stall"
        if server.slow_seconds:
            time.sleep(server.slow_seconds)
        if server.fault == "stall":
            server.stop_stalling.wait(LONGEST_STALL)
            self.close_connection = True
        elif server.fault == "fail":
            self.answer(500, b'{"meta": {"result_code": 500, "result_msg": "told to fail"}}')
        return server.fault != "none"

    def api(self, body: bytes) -> None:
        """Call an endpoint."""
        name = self.path.split("?")[0].rsplit("/", 1)[1]
        if name != "debug.ping" and not self.allowed():
            return self.reply(name, 401, {}, "Unauthorized (invalid credentials)")
        if name in self.server.denied:
            return self.reply(name, 403, {}, "Access to the project is forbidden")
        endpoint = ENDPOINTS.get(name)
        if endpoint is None:
            self.server.unknown.append(name)
            return self.reply(name, 400, {}, f"Invalid service or endpoint {name}")
        self.server.stop_silent_tasks()
        try:
            with self.server.lock:
                data = endpoint(self.server, checked(self.server, name, decode(name, body)))
        except Refused as refusal:
            return self.reply(name, 400, {}, str(refusal))
        return self.reply(name, 200, data, "OK")

    def allowed(self) -> bool:
        """Check the key and secret, or the token given for them."""
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        expected = {"Bearer": token(), "Basic": basic(KEY, SECRET)}
        return value == expected.get(kind)

    def file(self, body: bytes) -> None:
        """Keep an uploaded file, or send it back; refuse who has no token."""
        if not self.allowed() or (self.server.store_refuses and self.command in ("POST", "PUT")):
            return self.answer(403, b"the store refuses")
        if self.command == "DELETE":
            self.server.files.pop(self.path, None)
            return self.answer(200, b"{}")
        if self.command == "GET":
            found = self.server.files.get(self.path)
            return self.answer(200 if found is not None else 404, found or b"")
        with self.server.lock:
            self.server.files |= uploads(self.path, self.headers.get("Content-Type") or "", body)
        return self.answer(200, b"{}")

    def reply(self, name: str, code: int, data: Data, message: str) -> None:
        """Send an answer in the API's envelope."""
        endpoint = {"name": name, "requested_version": "2.23", "actual_version": "1.0"}
        meta = {"id": uuid4().hex, "trx": uuid4().hex, "endpoint": endpoint, "result_code": code}
        meta |= {"result_subcode": 0, "result_msg": message, "error_stack": "", "error_data": {}}
        self.answer(code, json.dumps({"meta": meta, "data": data}).encode())

    def answer(self, code: int, body: bytes) -> None:
        """Send bytes."""
        with suppress(OSError):
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)


def uploads(path: str, kind: str, body: bytes) -> dict[str, bytes]:
    """Return the files of a form by their names, or the whole body by the request's path."""
    boundary = re.search(r"boundary=(\S+)", kind)
    if not boundary:
        return {path: body}
    found = {}
    for part in body.split(f"--{boundary[1]}".encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'[; ]name="([^"]*)"', head)
        found["/" + name[1].decode().lstrip("/")] = content.removesuffix(b"\r\n")
    return found


def basic(key: str, secret: str) -> str:
    """Return the value of a basic authorization."""
    return base64.b64encode(f"{key}:{secret}".encode()).decode()


def token() -> str:
    """Return a token that the SDK can decode."""
    claims = {"exp": 4102444800, "api_version": "2.23", "server_version": "1.14.0", "env": "test"}
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    texts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join([*texts, "c2lnbmF0dXJl"])


def decode(name: str, body: bytes) -> Any:
    """Return a body: lines of JSON for a batch, else an object."""
    if name == "events.add_batch":
        return [json.loads(line) for line in body.splitlines() if line.strip()]
    return json.loads(body) if body.strip() else {}
