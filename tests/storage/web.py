"""A small web server of one file, with the manners and the faults that a test asks for."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site(ThreadingHTTPServer):
    """Serves ``content`` at any path; the attributes say how."""

    daemon_threads = True
    content = b""
    ranges = True
    status = 200
    tells_size = True
    chunked = False
    encoding = ""
    """What Content-Encoding says; ``content`` is what is sent."""
    announced = 0
    """Bytes that Content-Length names above those of the body."""
    cuts = 0
    cut_after = 100_000
    sent = 0
    location = ""
    etag = '"v1"'
    refused = ""
    """Ranges that begin so are answered with 503."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self):
        """Refuse to be a tunnel."""
        self.answer(self.server.status, b"")

    def do_GET(self):
        """Answer with the file, a range of it, or what the test wants instead."""
        site, start, stop = self.server, 0, len(self.server.content)
        site.requests.append((self.path, self.headers))
        if site.location and self.path != site.location:
            return self.answer(302, b"", Location=site.location)
        wanted = self.headers.get("Range")
        site.asked += [wanted] if wanted else []
        if site.refused and (wanted or "").startswith(site.refused):
            return self.answer(503, b"")
        if site.status != 200:
            return self.answer(site.status, b"no")
        about = {"ETag": site.etag, "Content-Encoding": site.encoding}
        headers = {name: value for name, value in about.items() if value}
        if wanted and site.ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, stop = int(first), int(last) + 1 if last else stop
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(site.content)}"
        self.answer(206 if "Content-Range" in headers else 200, site.content[start:stop], **headers)

    def answer(self, status, body, **headers):
        """Send an answer, cut off where the test wants it."""
        site = self.server
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if site.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif site.tells_size:
            self.send_header("Content-Length", str(len(body) + site.announced))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        if site.chunked:
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        if site.cuts and len(body) > site.cut_after:
            site.cuts -= 1
            body = body[: site.cut_after]
            self.close_connection = True
        if site.announced or not site.tells_size:
            self.close_connection = True
        self.wfile.write(body)
        site.sent += len(body)

    def log_message(self, *args):
        """Say nothing."""


@contextmanager
def site(content, tls=None, **manners):
    """Yield the server and its URL; ``tls`` is a context for https."""
    server = Site(("127.0.0.1", 0), Handler)
    server.content, server.asked, server.requests = content, [], []
    for name, value in manners.items():
        setattr(server, name, value)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server, f"{'https' if tls else 'http'}://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
