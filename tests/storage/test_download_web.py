"""Files of the web and of the disk, by the same road as those of S3."""

import json
import os
import shutil
import ssl
import subprocess
from types import SimpleNamespace

import download_object
import pytest
from slmrag.errors import UserError
from slmrag.storage import download, transfer
from slmrag.storage.download_folder import refuse_merged_names
from slmrag.storage.local import Local
from slmrag.storage.source import Interrupted

from tests.storage.web import site

pytestmark = pytest.mark.slow

CONTENT = os.urandom(20 << 20)


def fetch(tmp_path, uri, storage=None, **entry):
    """Run the job's main and return the manifest; the folder is ``raw``."""
    output = SimpleNamespace(data=tmp_path / "raw", manifest=tmp_path / "raw.json")
    params = SimpleNamespace(entry={"uri": uri, **entry}, storage=storage or {})
    download_object.main(SimpleNamespace(), output, params)
    return json.loads(output.manifest.read_text())


def refused(tmp_path, uri, storage=None, **entry):
    """Return the one line with which a download is refused; nothing half-written is left."""
    with pytest.raises(UserError) as caught:
        fetch(tmp_path, uri, storage, **entry)
    assert not (tmp_path / "raw").exists() and not (tmp_path / "raw.json").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Do not wait long between tries."""
    monkeypatch.setattr(transfer, "FIRST_WAIT_SECONDS", 0.01)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_link(tmp_path, ranges, chunked):
    """A file arrives whole from servers with and without ranges and sizes."""
    with site(CONTENT, ranges=ranges, chunked=chunked) as (_, url):
        manifest = fetch(tmp_path, f"{url}/data/a%20b.bin?token=hush")
    assert (tmp_path / "raw/a b.bin").read_bytes() == CONTENT
    assert manifest["files"][0]["bytes"] == len(CONTENT)


@pytest.mark.parametrize("ranges", [True, False])
def test_cuts(tmp_path, ranges):
    """Cuts are mended: by the rest where the server knows ranges, else by starting again."""
    with site(CONTENT, ranges=ranges, cuts=3) as (server, url):
        fetch(tmp_path, f"{url}/a.bin")
        assert server.cuts == 0
    assert (tmp_path / "raw/a.bin").read_bytes() == CONTENT


def test_cut_for_ever(tmp_path):
    """Cuts without end, and without progress, are an error in one sentence."""
    with site(CONTENT, cuts=10**9, cut_after=1000) as (_, url):
        assert "run again to resume" in refused(tmp_path, f"{url}/a.bin")


def test_the_next_run_asks_for_the_rest(tmp_path):
    """What came before the server gave up is kept, and the next run fetches only the rest."""
    with site(CONTENT) as (server, url):
        server.refused = "bytes=0-"
        assert "run again to resume" in refused(tmp_path, f"{url}/a.bin")
        server.refused = ""
        server.asked.clear()
        fetch(tmp_path, f"{url}/a.bin")
        assert server.asked == ["bytes=0-16777215"]
    assert (tmp_path / "raw/a.bin").read_bytes() == CONTENT


def test_parts_of_what_cannot_be_told_apart(tmp_path):
    """Of a server that gives no mark of the content, parts of two runs are not put together."""
    with site(CONTENT, etag="") as (server, url):
        server.refused = "bytes=0-"
        refused(tmp_path, f"{url}/a.bin")
        server.refused, server.content = "", CONTENT[::-1]
        fetch(tmp_path, f"{url}/a.bin")
    assert (tmp_path / "raw/a.bin").read_bytes() == CONTENT[::-1]


def test_whole_files_are_kept(tmp_path, monkeypatch):
    """Of many files those that came are not fetched again, unless they have changed anywhere."""
    names, reading = ["a", "b", "c", "deep/d"], []
    for name in names:
        path = tmp_path / "source" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(name)
    read, broken = Local.read, ["b"]

    def noted(self, remote, start, stop):
        if remote.name in broken:
            raise Interrupted("cut")
        reading.append(remote.name)
        return read(self, remote, start, stop)

    monkeypatch.setattr(Local, "read", noted)
    told = refused(tmp_path, str(tmp_path / "source"))
    assert told.startswith("cut, 5 times in a row; run again to resume: files that came whole are")
    assert sorted(reading) == ["a", "c", "deep/d"]
    (tmp_path / ".raw.part/data/a").write_text("x")
    (tmp_path / "source/c").write_text("other")
    with open(tmp_path / ".raw.part/state/arrived.jsonl", "a") as file:
        file.write('["deep/d", {"loc')
    del reading[:], broken[:]
    files = fetch(tmp_path, str(tmp_path / "source"))["files"]
    assert sorted(reading) == ["a", "b", "c"]
    assert [file["bytes"] for file in files] == [1, 1, 5, 6]
    assert (tmp_path / "raw/c").read_text() == "other"


def test_what_is_no_longer_there(tmp_path):
    """Half of a file that was wanted by an earlier try is not taken for data."""
    (tmp_path / ".raw.part/sub").mkdir(parents=True)
    for name in ("old.txt", "sub/old.bin", "sub/old.bin.parts.json"):
        (tmp_path / ".raw.part" / name).write_text("half")
    (tmp_path / "new.txt").write_text("whole")
    fetch(tmp_path, str(tmp_path / "new.txt"))
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["new.txt"]


@pytest.mark.parametrize(
    "status, words",
    [(404, "does not exist"), (403, "is forbidden"), (401, "asks for a login"), (418, "418")],
)
def test_refusals(tmp_path, status, words):
    """The server's refusal is said in words, without the query that may hold a secret."""
    with site(b"", status=status) as (_, url):
        sentence = refused(tmp_path, f"{url}/a.bin?token=hush")
    assert words in sentence and "hush" not in sentence


@pytest.mark.parametrize("status", [202, 204, 206, 300, 304])
def test_answers_that_are_no_file(tmp_path, status):
    """A part that was not asked for, or nothing, is not taken for the file."""
    with site(b"", status=status) as (_, url):
        assert f"status {status} is no whole file" in refused(tmp_path, f"{url}/a.bin")


def test_a_server_that_fails(tmp_path):
    """A server that answers 503 is asked several times."""
    with site(b"", status=503) as (_, url):
        assert "503, 5 times in a row" in refused(tmp_path, f"{url}/a.bin")


def test_redirects(tmp_path):
    """Redirects are followed."""
    with site(CONTENT, location="/there/b.bin") as (_, url):
        fetch(tmp_path, f"{url}/a.bin")
    assert (tmp_path / "raw/a.bin").read_bytes() == CONTENT


def test_nobody_there(tmp_path):
    """A server that cannot be reached is named."""
    assert "http://localhost:9/a.bin" in refused(tmp_path, "http://localhost:9/a.bin")
    assert "names no file" in refused(tmp_path, "https://localhost:9/")


@pytest.fixture
def certificate(tmp_path):
    """Make a certificate that nobody trusts, and return its path and a server's context."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl program to make a certificate with")
    pem, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(pem)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return pem, context


def test_tls(tmp_path, certificate):
    """An unknown certificate is refused, unless the config names it or gives up checking."""
    pem, context = certificate
    with site(CONTENT, tls=context) as (_, url):
        assert "no trusted TLS connection" in refused(tmp_path, f"{url}/a.bin")
        fetch(tmp_path, f"{url}/a.bin", {"verify": str(pem)})
        fetch(tmp_path, f"{url}/a.bin", {"verify": False})
    assert (tmp_path / "raw/a.bin").read_bytes() == CONTENT


def test_tls_of_s3(tmp_path, certificate, monkeypatch):
    """The same holds for an S3 endpoint, whose address the sentence names."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    with site(CONTENT, tls=certificate[1]) as (_, url):
        sentence = refused(tmp_path, "s3://bucket/key", {"endpoint_url": url})
    assert f"no trusted TLS connection to {url}" in sentence


EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>"


def test_expired_token(tmp_path, monkeypatch):
    """An expired session token is told as such (a stand-in answers as AWS does)."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "x")
    with site(b"", status=400) as (server, url):
        server.RequestHandlerClass = type(
            "Expired",
            (server.RequestHandlerClass,),
            {
                "do_GET": lambda self: self.answer(400, EXPIRED),
                "do_HEAD": lambda self: self.answer(400, b""),
            },
        )
        sentence = refused(tmp_path, "s3://bucket/key", {"endpoint_url": url})
    assert "session token has expired" in sentence


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_local_files(tmp_path, scheme):
    """A path or a file:// URI is copied as it is; a folder with all that is in it."""
    (tmp_path / "data/sub").mkdir(parents=True)
    (tmp_path / "data/sub/a b.txt").write_text("x")
    uri = f"{scheme}{tmp_path}/data"
    fetch(tmp_path, f"{uri}/sub/a%20b.txt" if scheme else f"{uri}/sub/a b.txt")
    assert (tmp_path / "raw/a b.txt").read_text() == "x"
    fetch(tmp_path, uri)
    assert (tmp_path / "raw/sub/a b.txt").read_text() == "x"
    assert not (tmp_path / "raw/a b.txt").exists()


def test_names_that_cannot_be(tmp_path):
    """A name that is no UTF-8, or too long for the disk, is told in one sentence."""
    (tmp_path / "source").mkdir()
    with open(os.fsencode(tmp_path) + b"/source/\xff.txt", "w") as file:
        file.write("x")
    told = refused(tmp_path, str(tmp_path / "source"))
    assert "the file name '\\udcff.txt' is no UTF-8; rename" in told
    with site(b"x") as (_, url):
        assert "too long; rename it" in refused(tmp_path, f"{url}/{'x' * 300}")


def test_names_that_a_disk_cannot_tell_apart(tmp_path):
    """A file that lies there under another's name is missed."""
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UserError, match=r"A\.txt: this disk takes another file"):
        refuse_merged_names(tmp_path, {"a.txt", "A.txt"})


def test_a_file_that_became_a_folder(tmp_path):
    """What an earlier try brought is in no way of what has its name now."""
    for name in ("source/a/c", "source/b", ".raw.part/data/a", ".raw.part/data/b/c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    fetch(tmp_path, str(tmp_path / "source"))
    assert (tmp_path / "raw/a/c").is_file() and (tmp_path / "raw/b").is_file()


def test_bad_paths(tmp_path):
    """A missing file, an empty folder and an unknown scheme are one sentence each."""
    (tmp_path / "empty").mkdir()
    assert "no such file" in refused(tmp_path, str(tmp_path / "nothing"))
    assert "is empty" in refused(tmp_path, str(tmp_path / "empty"))
    assert "unknown scheme" in refused(tmp_path, "ftp://x/y")


def test_a_failure_leaves_the_good_folder(tmp_path):
    """A failed download touches nothing of what an earlier one brought."""
    (tmp_path / "good.txt").write_text("good")
    download(str(tmp_path / "good.txt"), tmp_path / "raw", {})
    with pytest.raises(UserError), site(CONTENT, status=404) as (_, url):
        download(f"{url}/a.bin", tmp_path / "raw", {})
    assert (tmp_path / "raw/good.txt").read_text() == "good"
