"""A headless Chromium through chromedriver's own protocol: the standard library is enough."""

import json
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from urllib.error import URLError
from urllib.request import Request, urlopen

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
OFFLINE = ["--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9"]

KEYS = {"tab": "\ue004", "enter": "\ue007", "space": "\ue00d", "down": "\ue015", "end": "\ue010"}


class Browser:
    """One session of a driver at ``address``."""

    def __init__(self, address):
        """Start a browser without network that keeps its console."""
        options = {"binary": CHROMIUM, "args": [*ARGUMENTS, *OFFLINE]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.session = f"{address}/session"
        made = self.send("", {"capabilities": {"alwaysMatch": wanted}})
        self.session += f"/{made['sessionId']}"

    def send(self, path, body=None, method="POST"):
        """Return the value of one command."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(
            self.session + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def open(self, path):
        """Open a file."""
        self.send("/url", {"url": f"file://{path}"})

    def run(self, script, *arguments):
        """Return what a script returns."""
        return self.send("/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, seconds=60):
        """Return the first true value of a script."""
        until = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < until, f"still false: {script}"
            time.sleep(0.05)
        return value

    def press(self, *keys):
        """Press and release keys one after the other, as a keyboard does."""
        names = [KEYS.get(key, key) for key in keys]
        steps = [{"type": kind, "value": k} for k in names for kind in ("keyDown", "keyUp")]
        actions = [{"type": "key", "id": "keyboard", "actions": steps}]
        self.send("/actions", {"actions": actions})

    def phone(self, width, height):
        """Show the page as a phone of this size does."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        order = {"cmd": "Emulation.setDeviceMetricsOverride", "params": size}
        self.send("/goog/cdp/execute", order)

    def resize(self, width, height):
        """Give the window a size."""
        self.send("/window/rect", {"width": width, "height": height})

    def errors(self):
        """Return what the console holds of errors and warnings."""
        entries = self.send("/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]


@contextmanager
def browser():
    """Yield a browser, and end it and its driver."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(
        [DRIVER, f"--port={port}", "--log-level=OFF"], stdout=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            with suppress(URLError), urlopen(f"{address}/status", timeout=5):
                break
            time.sleep(0.1)
        session = Browser(address)
        try:
            yield session
        finally:
            session.send("", method="DELETE")
    finally:
        driver.terminate()
        driver.wait(10)
