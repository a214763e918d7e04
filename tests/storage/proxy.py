"""A TCP proxy that misbehaves on demand: cuts, stalls, corrupts, slows, and counts."""

import socket
import threading
import time
from contextlib import contextmanager, suppress

BLOCK = 64 << 10


class Proxy:
    """Passes connections on to ``target``; what it does to the answers is set by attributes."""

    def __init__(self, target):
        self.target = target
        self.cuts = 0
        """How many connections are still to be cut."""
        self.cut_after = 3 << 20
        """Bytes of answers after which a connection is cut."""
        self.flip_at = None
        """Place among the answers' bytes of one connection whose bits are turned, once."""
        self.seconds_a_block = 0.0
        self.passed = 0
        """Bytes of answers passed on so far."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with suppress(OSError), client, socket.create_connection(self.target) as server:
            threading.Thread(target=self._questions, args=(client, server), daemon=True).start()
            self._answers(client, server)

    def _questions(self, client, server):
        with suppress(OSError):
            while data := client.recv(BLOCK):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answers(self, client, server):
        sent = 0
        while data := server.recv(BLOCK):
            if self.cuts and sent + len(data) > self.cut_after:
                self.cuts -= 1
                client.sendall(data[: max(self.cut_after - sent, 0)])
                client.shutdown(socket.SHUT_RDWR)
                return
            client.sendall(self._turned(data, sent))
            sent += len(data)
            self.passed += len(data)
            time.sleep(self.seconds_a_block)

    def _turned(self, data, sent):
        if self.flip_at is None or not sent <= self.flip_at < sent + len(data):
            return data
        place, self.flip_at = self.flip_at - sent, None
        return data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]

    def close(self):
        """Stop taking connections."""
        self.listener.close()


@contextmanager
def proxied(url):
    """Yield a proxy before a server's URL."""
    host, _, port = url.removeprefix("http://").partition(":")
    proxy = Proxy((host, int(port)))
    try:
        yield proxy
    finally:
        proxy.close()
