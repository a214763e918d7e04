"""Buckets of other people: read unsigned, at the reader's cost, or each by its own keys."""

import gzip
import os

import pytest
from slmrag.config.storage import ObjectEntry, StorageEntry

from tests.storage.conftest import BUCKET, PUBLIC
from tests.storage.test_download_s3 import SMALL, fetch, refused
from tests.storage.web import site

pytestmark = pytest.mark.slow
OPEN = f"s3://{PUBLIC}/q.jsonl"


@pytest.fixture
def nobody(bucket, credentials, monkeypatch):
    """Put an object into the public bucket, and take all credentials away; return the endpoint."""
    bucket.put_object(Bucket=PUBLIC, Key="q.jsonl", Body=b"{}")
    bucket.put_object(Bucket=PUBLIC, Key="more/a.txt", Body=b"a")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    return credentials


def test_unsigned(tmp_path, nobody):
    """A public bucket is read without any account, and the way to that is named."""
    told = refused(tmp_path, OPEN)
    assert "no credentials for" in told and "`anonymous: true` in `storage` or in the obj" in told
    fetch(tmp_path, OPEN, {"anonymous": True})
    assert (tmp_path / "raw/q.jsonl").read_bytes() == b"{}"
    fetch(tmp_path, f"s3://{PUBLIC}/more/", {"anonymous": True})
    assert (tmp_path / "raw/a.txt").read_bytes() == b"a"


def test_unsigned_where_that_is_not_allowed(tmp_path, nobody):
    """A private bucket says that it is none for everybody."""
    told = refused(tmp_path, SMALL, {"anonymous": True})
    assert "without credentials (`anonymous`), so it is not public" in told


def test_public_and_private(tmp_path, nobody, monkeypatch):
    """One config reads from a public bucket and, by a profile, from a private one."""
    (tmp_path / "credentials").write_text(
        f"[lab]\naws_access_key_id = {nobody.access_key}\n"
        f"aws_secret_access_key = {nobody.secret_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    storage = StorageEntry(anonymous=True, endpoint_url="http://127.0.0.1:9")
    for number, own in enumerate(({"uri": OPEN}, {"uri": SMALL, "profile": "lab"})):
        entry = ObjectEntry(endpoint_url=nobody.endpoint_url, addressing_style="path", **own)
        fetch(tmp_path / str(number), entry.uri, entry.access_params(storage))


def test_a_prefix_without_its_slash(tmp_path, bucket, credentials):
    """A key that is a folder gets told how to write that; one that is nothing does not."""
    told = refused(tmp_path, f"s3://{BUCKET}/models/tiny")
    assert told.endswith(f"write a slash behind it: s3://{BUCKET}/models/tiny/")
    assert "slash" not in refused(tmp_path, f"s3://{BUCKET}/models/tin")


def test_an_encoded_object(tmp_path, bucket, credentials):
    """An object of a Content-Encoding is decoded, but for one whose name says that it is so."""
    for name in ("a.csv", "a.csv.gz"):
        where = {"Bucket": BUCKET, "Key": f"encoded/{name}", "ContentEncoding": "gzip"}
        bucket.put_object(Body=gzip.compress(b"id,text\n"), **where)
    fetch(tmp_path, f"s3://{BUCKET}/encoded/")
    assert (tmp_path / "raw/a.csv").read_bytes() == b"id,text\n"
    assert gzip.decompress((tmp_path / "raw/a.csv.gz").read_bytes()) == b"id,text\n"


def test_the_reader_pays(tmp_path, monkeypatch):
    """Each request says that its reader pays, where the config says so."""
    monkeypatch.setattr(os, "environ", os.environ | {"AWS_CONFIG_FILE": os.devnull})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    with site(b"hello") as (server, url):
        handler = server.RequestHandlerClass
        body = {"do_HEAD": lambda self: self.do_GET(), "answer": _dated}
        server.RequestHandlerClass = type("Dated", (handler,), body)
        storage = {"endpoint_url": url, "addressing_style": "path", "requester_pays": True}
        fetch(tmp_path, "s3://theirs/a.txt", storage)
    assert [headers["x-amz-request-payer"] for _, headers in server.requests] == ["requester"] * 2


def _dated(self, status, body, **headers):
    """Answer as S3 does: with a date, and to HEAD without a body."""
    self.send_response(status)
    dated = {"Last-Modified": "Sat, 28 Nov 2026 00:00:00 GMT", "Content-Length": str(len(body))}
    for name, value in (headers | dated).items():
        self.send_header(name, value)
    self.end_headers()
    if self.command == "GET":
        self.wfile.write(body)
