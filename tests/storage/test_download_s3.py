"""Objects of a real S3 server: what comes is what stands there, or one sentence says why not."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import download_model
import download_object
import pytest
from slmrag.dag.local_sources import Source
from slmrag.dag.remote_changes import describe_changes
from slmrag.dag.resource_keys import Download
from slmrag.errors import UserError
from slmrag.storage import download, transfer

from tests.storage.conftest import BUCKET, CLOSED, MIB, READER, large

pytestmark = pytest.mark.slow
LARGE = f"s3://{BUCKET}/data/large.bin"
SMALL = f"s3://{BUCKET}/data/small.txt"


def fetch(tmp_path, uri, storage=None, **entry):
    """Run the job's main and return the manifest; the folder is ``raw``."""
    output = SimpleNamespace(data=tmp_path / "raw", manifest=tmp_path / "raw.json")
    params = SimpleNamespace(entry={"uri": uri, **entry}, storage=storage or {})
    download_object.main(SimpleNamespace(), output, params)
    return json.loads(output.manifest.read_text())


def nothing_whole(tmp_path):
    """Tell that neither the folder nor the manifest was made."""
    return not (tmp_path / "raw").exists() and not (tmp_path / "raw.json").exists()


def refused(tmp_path, uri, storage=None, **entry):
    """Return the one line with which a download is refused; nothing half-written is left."""
    with pytest.raises(UserError) as caught:
        fetch(tmp_path, uri, storage, **entry)
    assert nothing_whole(tmp_path)
    assert "\n" not in str(caught.value) and "hush-hush" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("key", ["data/large.bin", "data/one.bin"])
def test_a_large_object(tmp_path, bucket, credentials, key):
    """An object of many parts arrives byte for byte, and its digests are recorded."""
    manifest = fetch(tmp_path, f"s3://{BUCKET}/{key}")
    name = key.split("/")[1]
    assert (tmp_path / "raw" / name).read_bytes() == large()
    (file,) = manifest["files"]
    assert file["sha256"] == hashlib.sha256(large()).hexdigest()
    assert file["etag"] == bucket.head_object(Bucket=BUCKET, Key=key)["ETag"].strip('"')
    assert [path.name for path in (tmp_path / "raw").iterdir()] == [name]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("key, body", [("data/small.txt", b"hello"), ("data/empty", b"")])
def test_small_objects(tmp_path, bucket, credentials, key, body):
    """Small and empty objects arrive too."""
    fetch(tmp_path, f"s3://{BUCKET}/{key}")
    assert (tmp_path / "raw" / key.split("/")[1]).read_bytes() == body


def test_a_pattern(tmp_path, bucket, credentials):
    """All objects that a pattern means arrive under their names from its first folder on."""
    manifest = fetch(tmp_path, f"s3://{BUCKET}/data/*.txt")
    assert [file["name"] for file in manifest["files"]] == ["small.txt"]
    assert (tmp_path / "raw/small.txt").read_bytes() == b"hello"
    assert len(fetch(tmp_path / "deep", f"s3://{BUCKET}/mod**/*")["files"]) > 1
    assert "no object matches this pattern at http" in refused(
        tmp_path / "none", f"s3://{BUCKET}/data/*.csv"
    )


def test_a_prefix(tmp_path, bucket, credentials):
    """All objects under a prefix arrive under their names below it."""
    manifest = fetch(tmp_path, f"s3://{BUCKET}/models/tiny/")
    names = [file["name"] for file in manifest["files"]]
    assert names == sorted(names) and "sub/a.json" in names
    assert (tmp_path / "raw/sub/a.json").read_bytes() == b"sub/a.json"


def test_odd_keys(tmp_path, bucket, credentials):
    """Names of all signs, some of them the download's own, arrive as they are, and each alone."""
    keys = ["a+b", "a b", "a%2Fb", "ä", "a\u0308", "日/文", "x?y=1", "#h", "&amp;", "[x]", "*.a"]
    keys += ["A", "a", ".partial", ".lock", "manifest.json", "arrived.jsonl", "data/state/..x"]
    for key in keys:
        bucket.put_object(Bucket=BUCKET, Key=f"odd/{key}", Body=key.encode())
    files = fetch(tmp_path, f"s3://{BUCKET}/odd/")["files"]
    assert {file["name"] for file in files} == {*keys}
    assert all((tmp_path / "raw" / key).read_text() == key for key in keys)
    for number, key in enumerate(keys):
        made = tmp_path / str(number)
        fetch(made, f"s3://{BUCKET}/odd/{key}")
        assert [path.read_text() for path in (made / "raw").iterdir()] == [key]


def test_a_version(tmp_path, bucket, credentials):
    """In a bucket with versions the manifest records which one was read."""
    bucket.create_bucket(Bucket="versions")
    status = {"Status": "Enabled"}
    bucket.put_bucket_versioning(Bucket="versions", VersioningConfiguration=status)
    for body in (b"one", b"two"):
        last = bucket.put_object(Bucket="versions", Key="a.txt", Body=body)["VersionId"]
    (file,) = fetch(tmp_path, "s3://versions/a.txt")["files"]
    assert file["version_id"] == last
    assert (tmp_path / "raw/a.txt").read_bytes() == b"two"


def test_the_configs_endpoint(tmp_path, bucket, credentials, monkeypatch):
    """The endpoint may stand in the config instead of the environment."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    storage = {"endpoint_url": credentials.endpoint_url, "addressing_style": "path"}
    fetch(tmp_path, SMALL, storage | {"region": "us-east-1", "verify": True})
    assert (tmp_path / "raw/small.txt").exists()


def test_a_profile(tmp_path, bucket, credentials, monkeypatch):
    """Credentials may come from a profile of the AWS config."""
    (tmp_path / "credentials").write_text(
        f"[lab]\naws_access_key_id = {credentials.access_key}\n"
        f"aws_secret_access_key = {credentials.secret_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    fetch(tmp_path, SMALL, {"profile": "lab"})
    assert "profile" in refused(tmp_path / "other", SMALL, {"profile": "nolab"})


def test_missing_bucket_and_key(tmp_path, bucket, credentials):
    """A missing bucket, key or prefix is named with its endpoint."""
    at = f"at {credentials.endpoint_url}"
    assert f"no bucket 'nowhere' {at}" in refused(tmp_path, "s3://nowhere/key")
    assert f"no bucket 'nowhere' {at}" in refused(tmp_path, "s3://nowhere/prefix/")
    assert f"bucket '{BUCKET}' {at} has no key 'data/x'" in refused(
        tmp_path, f"s3://{BUCKET}/data/x"
    )
    assert "no object under this prefix" in refused(tmp_path, f"s3://{BUCKET}/data/x/")


def test_wrong_credentials(tmp_path, bucket, credentials, monkeypatch):
    """A wrong secret, an unknown key, half a key and none at all are told apart."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    assert "refuses the secret key" in refused(tmp_path, SMALL)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "UNKNOWNUNKNOWN")
    assert "does not know the access key" in refused(tmp_path, SMALL)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "half of the credentials" in refused(tmp_path, SMALL)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "no credentials" in refused(tmp_path, SMALL)


def test_no_rights(tmp_path, bucket, credentials, monkeypatch):
    """Valid credentials without the right are told so."""
    keys = READER["credentials"][0]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["accessKey"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["secretKey"])
    assert "is denied" in refused(tmp_path, SMALL)
    assert "has no key 'x'" in refused(tmp_path, f"s3://{CLOSED}/x")


def test_unreachable(tmp_path, credentials, monkeypatch):
    """An endpoint where nobody listens, or that is no endpoint, is named."""
    monkeypatch.setattr(transfer, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    closed = {"endpoint_url": "http://127.0.0.1:9"}
    assert "cannot reach http://127.0.0.1:9" in refused(tmp_path, SMALL, closed)
    assert "storage" in refused(tmp_path, SMALL, {"endpoint_url": "127.0.0.1:9"})


def test_no_tls(tmp_path, bucket, credentials, monkeypatch):
    """https towards a server without it is a TLS error that names the endpoint."""
    monkeypatch.setattr(transfer, "FIRST_WAIT_SECONDS", 0.01)
    url = credentials.endpoint_url.replace("http:", "https:")
    sentence = refused(tmp_path, SMALL, {"endpoint_url": url})
    assert f"no trusted TLS connection to {url}" in sentence


@pytest.mark.parametrize("key", ["data/large.bin", "data/one.bin"])
@pytest.mark.parametrize("cuts", [1, 3])
def test_cuts_are_mended(tmp_path, proxy, key, cuts):
    """Cut once or three times, the rest is asked for again, and no byte twice."""
    proxy.cuts = cuts
    fetch(tmp_path, f"s3://{BUCKET}/{key}")
    assert proxy.cuts == 0
    assert (tmp_path / "raw" / key.split("/")[1]).read_bytes() == large()
    assert proxy.passed < len(large()) + MIB


def test_cut_for_ever(tmp_path, proxy, monkeypatch):
    """Cut without end, it gives up in one sentence, keeps what came, and resumes later."""
    monkeypatch.setattr(transfer, "FIRST_WAIT_SECONDS", 0.01)
    proxy.cuts, proxy.cut_after = 10**9, 20 << 10
    assert "run again to resume" in refused(tmp_path, LARGE)
    proxy.cuts = 0
    fetch(tmp_path, LARGE)
    assert (tmp_path / "raw/large.bin").read_bytes() == large()


def test_a_flipped_bit(tmp_path, proxy):
    """A byte that changed on the way is noticed, and the next run starts clean."""
    proxy.flip_at = 2 << 20
    assert "is damaged" in refused(tmp_path, LARGE)
    fetch(tmp_path, LARGE)
    assert (tmp_path / "raw/large.bin").read_bytes() == large()


def test_wrong_sha256(tmp_path, bucket, credentials):
    """The config's digest is held against the content; the right one passes."""
    wrong = refused(tmp_path, SMALL, sha256="0" * 64)
    assert "but the config expects 000" in wrong
    fetch(tmp_path, SMALL, sha256=hashlib.sha256(b"hello").hexdigest())
    assert "names 5 files" in refused(
        tmp_path / "prefix", f"s3://{BUCKET}/models/tiny/", sha256="0" * 64
    )


PROGRAM = (
    "import sys; sys.path.insert(0, 'workflow/scripts')\n"
    "from slmrag.storage import download\n"
    "download(sys.argv[1], sys.argv[2], {})\n"
)


def begun(tmp_path):
    """Wait until a part has come; return the file that says which."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := list((tmp_path / ".raw.part/state").glob("[!.]*.json")):
            return found[0]
        time.sleep(0.01)
    raise AssertionError("no part came")


def start(uri, folder):
    """Start a download in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, uri, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_killed_and_resumed(tmp_path, proxy):
    """After SIGKILL the next run fetches only the parts that were not there."""
    proxy.seconds_a_block = 0.002
    process = start(LARGE, tmp_path / "raw")
    state = begun(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = json.loads(state.read_text())["done"]
    assert done and nothing_whole(tmp_path)
    proxy.seconds_a_block, before = 0.0, proxy.passed
    fetch(tmp_path, LARGE)
    assert (tmp_path / "raw/large.bin").read_bytes() == large()
    kept = sum(len(large()[part * 16 * MIB :][: 16 * MIB]) for part in done)
    assert proxy.passed - before < len(large()) - kept + MIB


def test_a_kept_part_that_spoilt(tmp_path, proxy, monkeypatch):
    """A part that was damaged on the disk between two runs is found, and all is fetched anew."""
    monkeypatch.setattr(transfer, "FIRST_WAIT_SECONDS", 0.01)
    proxy.seconds_a_block = 0.002
    process = start(LARGE, tmp_path / "raw")
    state = begun(tmp_path)
    process.kill()
    process.wait()
    first = json.loads(state.read_text())["done"][0]
    with open(tmp_path / ".raw.part/data/large.bin", "r+b") as file:
        file.seek(first * 16 * MIB + 5)
        file.write(b"spoilt")
    proxy.seconds_a_block = 0.0
    fetch(tmp_path, LARGE)
    assert (tmp_path / "raw/large.bin").read_bytes() == large()


def test_changed_between_two_tries(tmp_path, bucket, credentials, proxy):
    """Parts of an older content are not mixed with those of a newer one."""
    key, old, new = "data/changing.bin", large()[: 33 * MIB], large()[-33 * MIB :]
    bucket.put_object(Bucket=BUCKET, Key=key, Body=old)
    proxy.seconds_a_block = 0.002
    process = start(f"s3://{BUCKET}/{key}", tmp_path / "raw")
    begun(tmp_path)
    process.kill()
    process.wait()
    bucket.put_object(Bucket=BUCKET, Key=key, Body=new)
    proxy.seconds_a_block = 0.0
    fetch(tmp_path, f"s3://{BUCKET}/{key}")
    assert (tmp_path / "raw/changing.bin").read_bytes() == new


def test_twins(tmp_path, proxy):
    """Two jobs that fetch the same object at the same time both end well, and one folder stands."""
    proxy.seconds_a_block = 0.001
    with ThreadPoolExecutor(2) as pool:
        twins = [pool.submit(start(LARGE, tmp_path / "raw").communicate) for _ in range(2)]
        assert all("Error" not in twin.result()[1] for twin in twins)
    assert (tmp_path / "raw/large.bin").read_bytes() == large()
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_disk_full(tmp_path, bucket, credentials):
    """A disk that is too small is named before a byte is fetched, and a good file stays."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        fetch(disk, SMALL)
        with pytest.raises(UserError, match="make room"):
            download(LARGE, disk / "other", {})
        assert (disk / "raw/small.txt").read_bytes() == b"hello"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_no_place_to_reserve(tmp_path, bucket, credentials, monkeypatch):
    """A disk that another job fills at the same moment is named before a byte is fetched."""

    def full(fd, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("slmrag.storage.partial_file.reserve", full)
    assert "No space left on device; make room" in refused(tmp_path, LARGE)


def test_disk_fills_up_on_the_way(tmp_path, bucket, credentials, monkeypatch):
    """A disk that fills while bytes arrive is named in one sentence."""

    def full(fd, data, offset):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert "No space left on device; make room" in refused(tmp_path, LARGE)


def test_names_that_lead_out(tmp_path, bucket, credentials, monkeypatch):
    """A key that would leave the folder is refused."""
    from slmrag.storage.s3 import S3

    listed = S3._files_under_prefix

    def crooked(self):
        return [*listed(self), listed(self)[0].__class__("../../x", "models/tiny/../../x", 1)]

    monkeypatch.setattr(S3, "_files_under_prefix", crooked)
    assert "leads out of its folder" in refused(tmp_path, f"s3://{BUCKET}/models/tiny/")


def test_changed_at_the_source(tmp_path, bucket, credentials):
    """A changed, a grown and a vanished object are told; an unchanged one is not."""
    key = "watched/a.txt"
    bucket.put_object(Bucket=BUCKET, Key=key, Body=b"one")
    source = Source(f"s3://{BUCKET}/watched/")
    fetch(tmp_path, source.uri)
    objects = [Download("object 'raw'", source, None, str(tmp_path / "raw.json"))]

    def told():
        return list(describe_changes(objects, {}))

    assert told() == []
    bucket.put_object(Bucket=BUCKET, Key=key, Body=b"two")
    assert "has changed since it was fetched: a.txt; to fetch it again: snakemake" in told()[0]
    bucket.put_object(Bucket=BUCKET, Key="watched/b.txt", Body=b"two")
    assert "has other files now: b.txt" in told()[0]
    for name in ("a.txt", "b.txt"):
        bucket.delete_object(Bucket=BUCKET, Key=f"watched/{name}")
    assert "could not be checked, the earlier download is kept" in told()[0]
    assert "forcerun" not in told()[0]


def test_a_checkpoint_changed_at_the_source(tmp_path, bucket, credentials):
    """New weights under a prefix are told, with how to fetch them; a README is not."""
    for name in ("config.json", "model.safetensors", "README.md", "optimizer.pt"):
        bucket.put_object(Bucket=BUCKET, Key=f"models/watched/{name}", Body=name.encode())
    source = Source(f"s3://{BUCKET}/models/watched", True)
    output = SimpleNamespace(checkpoint=tmp_path / "m", manifest=tmp_path / "m.json")
    params = SimpleNamespace(uri=source.uri, storage={})
    download_model.main(SimpleNamespace(), output, params)
    one = Download("model 'm'", source, None, str(output.manifest))
    for name in ("README.md", "optimizer.pt"):
        bucket.put_object(Bucket=BUCKET, Key=f"models/watched/{name}", Body=b"other")
    assert list(describe_changes([one], {})) == []
    bucket.put_object(Bucket=BUCKET, Key="models/watched/model.safetensors", Body=b"other")
    (told,) = describe_changes([one], {})
    assert told.startswith(f"model 'm' ({source.uri}) has changed since it was fetched: model.safe")
    assert told.endswith(f"snakemake --forcerun {output.manifest}")
    assert (output.checkpoint / "model.safetensors").read_bytes() == b"model.safetensors"


def test_ended_by_a_signal(tmp_path, proxy):
    """An interrupted download ends at once, not after the parts that are on their way."""
    proxy.seconds_a_block = 0.2
    process = start(LARGE, tmp_path / "raw")
    until = time.monotonic() + 60
    while proxy.passed < 2 * MIB // 8 and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.wait(timeout=60)
    assert process.returncode and time.monotonic() - began < 25
    assert nothing_whole(tmp_path)
