"""A small OpenAI-compatible server on loopback that misbehaves on request."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Streams 'echo: <last word>' word by word; ``server.script`` holds what to do first."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer, or fail as the script says."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.seen.append((self.path, dict(self.headers), body, time.perf_counter()))
            trouble = self.server.script.pop(0) if self.server.script else None
        if trouble == "hang up":
            self.close_connection = True
            self.connection.close()
        elif trouble == "say nothing":
            self.server.over.wait(60)
            self.close_connection = True
        elif isinstance(trouble, bytes):
            self._raw(trouble)
        elif isinstance(trouble, tuple):
            self._fail(*trouble)
        elif trouble:
            self._fail(trouble, {"error": {"message": f"trouble {trouble}"}})
        else:
            self._stream(body)

    def _raw(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if b"data:" in data else "text/html")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True

    def _fail(self, status: int, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Retry-After", self.server.retry_after)
        self.end_headers()
        self.wfile.write(text)

    def _stream(self, body: dict[str, Any]) -> None:
        chat = self.path.endswith("/chat/completions")
        prompt = body["messages"][0]["content"] if chat else body["prompt"]
        words = self.server.reply(prompt)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for word in words:
            self._send({**({"delta": {"content": word}} if chat else {"text": word}), "index": 0})
        last = {"delta": {}} if chat else {"text": ""}
        self._send({**last, "index": 0, "finish_reason": "stop"})
        usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": 2, "total_tokens": 9}
        self._send(None, usage)
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _send(self, choice: dict[str, Any] | None, usage: dict[str, int] | None = None) -> None:
        chunk = {"id": "1", "object": "x", "created": 0, "model": "tiny", "usage": usage}
        chunk["choices"] = [choice] if choice else []
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def echo(prompt: str) -> list[str]:
    """Return 'echo: <last word but one>' in two parts."""
    return ["echo:", f" {prompt.split()[-2]}"]


@contextmanager
def serve(
    *script: Any, reply: Callable[[str], list[str]] = echo, retry_after: str = "0.01"
) -> Iterator[SimpleNamespace]:
    """Serve on a free port; ``script`` is what is done to each first request.

    A status, a status with its body, the bytes of a body of status 200, 'hang up' or 'say
    nothing'; ``retry_after`` goes with each status, in seconds.
    ``reply`` returns the parts of the answer to a prompt.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.script, server.seen, server.lock = list(script), [], threading.Lock()
    server.reply, server.retry_after, server.over = reply, retry_after, threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/v1", seen=server.seen)
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
