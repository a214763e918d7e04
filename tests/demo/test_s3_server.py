"""The demo's S3 server asks for its own credentials, keeps its objects, and ends in time."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from slmrag.files import sha256_file

from demo import fill_bucket, s3_server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PARENT = """
import sys, time
from demo.s3_server import serve
with serve(sys.argv[1]) as server:
    print(server.process.pid, flush=True)
    time.sleep(100)
"""


def client(server, **changes):
    """A client that may say something else than the truth."""
    import boto3
    from botocore.config import Config

    given = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    config = Config(retries={"total_max_attempts": 1})
    where = {"endpoint_url": server.endpoint_url, "region_name": "us-east-1", "config": config}
    return boto3.client("s3", **where, **(given | changes))


def gone(pid, seconds=5.0):
    """Whether a process ends within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    "wrong", [{"aws_secret_access_key": "guessed"}, {"aws_access_key_id": "nobody"}]
)
def test_wrong_credentials_are_refused(server, wrong):
    """A wrong secret or an unknown key gets 403."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as error:
        client(server, **wrong).list_buckets()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_unsigned_requests_are_refused(server):
    """A request without a signature gets 403."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as error:
        opener.open(server.endpoint_url)
    assert error.value.code == 403


def test_credentials_are_fresh_and_not_left_on_disk(server, weed, tmp_path):
    """Each start makes new credentials; the file that told the server is gone once it runs."""
    with s3_server.serve(tmp_path) as other:
        assert {other.access_key, other.secret_key}.isdisjoint(
            {server.access_key, server.secret_key}
        )
        assert not list(tmp_path.rglob("identities.json"))
        listening = Path(f"/proc/{other.process.pid}/cmdline").read_text()
        assert other.secret_key not in listening


def test_only_loopback_listens(server):
    """The port is closed on every other address of this machine."""
    port = server.ports["s3.port"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", port)) != 0


def test_objects_survive_a_restart_on_other_ports(weed, tmp_path):
    """What was stored is read at once after a kill and a new start with other ports and keys."""
    with s3_server.serve(tmp_path) as first:
        first.client().create_bucket(Bucket="bucket")
        first.client().put_object(Bucket="bucket", Key="key", Body=b"x" * 9_000_000)
        first.process.kill()
    with s3_server.serve(tmp_path) as second:
        body = client(second).get_object(Bucket="bucket", Key="key")["Body"].read()
    assert len(body) == 9_000_000


def test_server_stops_with_its_block(weed, tmp_path):
    """The process is gone after the block, also when the block fails; its sockets too."""
    with pytest.raises(KeyError), s3_server.serve(tmp_path) as running:
        raise KeyError
    assert running.process.poll() is not None
    assert not list(Path("/tmp").glob(f"weed-{running.ports['s3.port']}-*.sock"))


def test_server_dies_with_a_killed_parent(weed, tmp_path):
    """SIGKILL of the process that started it ends the server too."""
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
        assert gone(pid)


def test_command_prints_what_to_export_and_ends_on_sigterm(weed, tmp_path):
    """By hand the server prints export lines and ends when asked to."""
    command = [sys.executable, "demo/s3_server.py", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as served:
        lines = [served.stdout.readline() for _ in range(4)]
        served.send_signal(signal.SIGTERM)
        assert served.wait(timeout=20) == 143
    assert all(line.startswith("export AWS_") for line in lines)


def test_a_server_that_cannot_start_says_why(weed, tmp_path, monkeypatch):
    """The error ends with the end of the server's log."""
    monkeypatch.setitem(s3_server.FLAGS, "master.volumeSizeLimitMB", "none")
    with (
        pytest.raises(RuntimeError, match="the S3 server did not start"),
        s3_server.serve(tmp_path),
    ):
        pass


def test_bucket_is_filled_once(server, tmp_path):
    """Only what is absent or differs is uploaded."""
    (tmp_path / "data").mkdir()
    (tmp_path / "models/one").mkdir(parents=True)
    (tmp_path / "data/questions.json").write_text(json.dumps([]))
    weights = tmp_path / "models/one/model.safetensors"
    weights.write_bytes(os.urandom(1000))
    counts = [fill_bucket.fill(server.client(), tmp_path) for _ in range(2)]
    weights.write_bytes(os.urandom(1000))
    counts.append(fill_bucket.fill(server.client(), tmp_path))
    assert [count["uploaded"] for count in counts] == [2, 0, 1]
    key = "models/one/model.safetensors"
    head = server.client().head_object(Bucket=fill_bucket.BUCKET, Key=key)
    assert head["Metadata"]["sha256"] == sha256_file(weights)
