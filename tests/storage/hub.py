"""A stand-in of the model hub: one repository, its files by commit, and what was asked for."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


class Hub:
    """The repository org/name; ``main`` is the last commit."""

    gated = False
    """Files are refused to all who have not accepted the terms."""

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, bytes]] = {}
        self.names: dict[str, str] = {}
        """Commits by the tags that name them."""
        self.sent: list[str] = []
        self.url = ""

    def commit(self, **changed: bytes) -> str:
        """Add a commit with some files changed, named with ``_`` for the dot; return its name."""
        files = dict(next(reversed(self.commits.values()), {}))
        files |= {name.replace("_", "."): content for name, content in changed.items()}
        name = f"{len(self.commits):040x}"
        self.commits[name] = files
        return name

    def answer(self, path: str) -> tuple[str | None, bytes]:
        """Return commit and body for a path; None where there is nothing."""
        parts = unquote(urlsplit(path).path).strip("/").removeprefix("datasets/").split("/")
        newest = next(reversed(self.commits))
        if parts[0] == "api":
            named = parts[5] if len(parts) > 5 else "main"
            named = self.names.get(named, named)
            commit = newest if named == "main" else named
            listed = [_file(*one) for one in self.commits.get(commit, {}).items()]
            if parts[4:5] == ["tree"]:
                return commit, json.dumps(listed).encode()
            siblings = [
                {"rfilename": f["path"], "blobId": f["oid"], "size": f["size"], "lfs": f.get("lfs")}
                for f in listed
            ]
            about = {"id": "org/name", "modelId": "org/name", "sha": commit, "siblings": siblings}
            return commit, json.dumps(about).encode()
        named, name = parts[3], "/".join(parts[4:])
        commit = newest if named == "main" else self.names.get(named, named)
        return commit, self.commits[commit][name]


def _file(name: str, content: bytes) -> dict:
    blob = b"blob %d\0" % len(content) + content
    about = {"type": "file", "path": name, "size": len(content)}
    about["oid"] = hashlib.sha1(blob, usedforsecurity=False).hexdigest()
    if name.endswith(".safetensors"):
        found = hashlib.sha256(content).hexdigest()
        about["lfs"] = {"oid": found, "sha256": found, "size": len(content), "pointerSize": 1}
    return about


@contextmanager
def serve() -> Iterator[Hub]:
    """Serve an empty hub on this machine."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if hub.gated and "/resolve/" in self.path:
                self.send_response(403)
                self.send_header("X-Error-Code", "GatedRepo")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            commit, body = hub.answer(self.path)
            if "/resolve/" in self.path and self.command == "GET":
                hub.sent.append(self.path.rpartition("/")[2])
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Repo-Commit", commit or "")
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield hub
        server.shutdown()
