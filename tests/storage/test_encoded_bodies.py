"""Bodies with a Content-Encoding, and bodies whose end is not marked: whole, or refused."""

import gzip
import hashlib
import os
import zlib

import pytest
import zstandard
from slmrag.storage import transfer

from tests.storage.test_download_web import fetch, refused
from tests.storage.web import site

pytestmark = pytest.mark.slow

TEXT = b"id,title,text\n" + b"".join(b"%d,t,Paris is number %d\n" % (n, n) for n in range(9000))
LARGE = b"".join(os.urandom(1 << 20) for _ in range(18))
RAW_DEFLATE = zlib.compressobj(wbits=-15)
SENT = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:]) + bytes(7),
    "deflate": zlib.compress(TEXT),
    "Deflate": RAW_DEFLATE.compress(TEXT) + RAW_DEFLATE.flush(),
    "zstd": zstandard.compress(TEXT),
    "gzip, gzip": gzip.compress(gzip.compress(TEXT)),
}


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Do not wait long between tries."""
    monkeypatch.setattr(transfer, "FIRST_WAIT_SECONDS", 0.01)


def sha256(data):
    """Return the hex digest."""
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("encoding", SENT)
@pytest.mark.parametrize("chunked", [True, False])
def test_decoded_where_the_name_does_not_say_it(tmp_path, encoding, chunked):
    """A file that is sent encoded is there decoded; digest and size are of what is there."""
    with site(SENT[encoding], encoding=encoding, chunked=chunked) as (_, url):
        (file,) = fetch(tmp_path, f"{url}/p.csv")["files"]
    assert (tmp_path / "raw/p.csv").read_bytes() == TEXT
    assert (file["bytes"], file["sha256"]) == (len(TEXT), sha256(TEXT))
    assert file["sent"]["sha256"] == sha256(SENT[encoding])
    assert {path.name for path in tmp_path.rglob("*")} == {"raw", "raw.json", "p.csv"}


@pytest.mark.parametrize(
    "name, encoding", [("p.csv.gz", "gzip"), ("p.csv.zst", "zstd"), ("P.CSV.GZ", "x-gzip")]
)
def test_kept_as_sent_where_the_name_says_it(tmp_path, name, encoding):
    """A compressed file that a server calls encoded is there as it was sent."""
    with site(SENT[encoding], encoding=encoding) as (_, url):
        (file,) = fetch(tmp_path, f"{url}/{name}")["files"]
    assert (tmp_path / "raw" / name).read_bytes() == SENT[encoding]
    assert file["sha256"] == sha256(SENT[encoding]) and "sent" not in file


def test_encoded_once_more_than_its_name_says(tmp_path):
    """A compressed file that was compressed again on its way is there as it was."""
    with site(SENT["gzip, gzip"], encoding="gzip") as (_, url):
        fetch(tmp_path, f"{url}/p.csv.gz")
    assert gzip.decompress((tmp_path / "raw/p.csv.gz").read_bytes()) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "br", "utf-8", "aws-chunked", "identity"])
def test_called_encoded_and_is_not(tmp_path, encoding):
    """Plain text that its server calls encoded is there as it came."""
    with site(TEXT, encoding=encoding) as (_, url):
        (file,) = fetch(tmp_path, f"{url}/p.csv")["files"]
    assert (tmp_path / "raw/p.csv").read_bytes() == TEXT and "sent" not in file


def test_an_encoding_that_nothing_here_decodes(tmp_path):
    """It is named, and what to do."""
    with site(os.urandom(999), encoding="br") as (_, url):
        assert "Content-Encoding br, which is not supported" in refused(tmp_path, f"{url}/p")


@pytest.mark.parametrize("digest", [sha256(TEXT), sha256(SENT["gzip"])], ids=["text", "sent"])
def test_a_pinned_digest(tmp_path, digest):
    """The config's digest may be that of the file or of the bytes that are sent."""
    with site(SENT["gzip"], encoding="gzip") as (_, url):
        fetch(tmp_path, f"{url}/p.csv", sha256=digest)
        wrong = refused(tmp_path / "other", f"{url}/p.csv", sha256="0" * 64)
    assert f"its SHA-256 is {sha256(TEXT)} (sent as gzip, and decoded)" in wrong


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz"])
def test_cut_for_ever(tmp_path, chunked, name):
    """An encoded body that breaks off each time is refused; nothing stands there for it."""
    manners = {"encoding": "gzip", "chunked": chunked, "cuts": 99, "cut_after": 1000}
    with site(SENT["gzip"], **manners) as (_, url):
        assert "the connection was cut" in refused(tmp_path, f"{url}/{name}")


@pytest.mark.parametrize("ranges", [True, False])
def test_cuts_are_mended(tmp_path, ranges):
    """An encoded body is resumed in the bytes that are sent, or begun again."""
    body = gzip.compress(LARGE, 1)
    with site(body, encoding="gzip", ranges=ranges, cuts=2) as (server, url):
        fetch(tmp_path, f"{url}/large.bin")
        assert server.cuts == 0
    assert (tmp_path / "raw/large.bin").read_bytes() == LARGE


def test_damaged_once(tmp_path):
    """What cannot be decoded is refused, and fetched anew by the next run."""
    with site(SENT["gzip"][:-9] + b"damaged!!", encoding="gzip") as (server, url):
        assert "sent as gzip and cannot be decoded" in refused(tmp_path, f"{url}/p.csv")
        server.content = SENT["gzip"]
        fetch(tmp_path, f"{url}/p.csv")
    assert (tmp_path / "raw/p.csv").read_bytes() == TEXT


def test_more_announced_than_sent(tmp_path):
    """A body that is shorter than its Content-Length is no file."""
    with site(TEXT, announced=5) as (_, url):
        assert "the connection was cut" in refused(tmp_path, f"{url}/p.csv")


def test_another_length_when_it_is_read(tmp_path):
    """A file that grew between the first answer and the second is refused, not cut to size."""
    with site(TEXT) as (server, url):
        from slmrag.storage.http import Http

        source = Http(f"{url}/p.csv", {})
        (remote,) = source.files()
        server.content = TEXT + b"more"
        with pytest.raises(Exception, match="changed while it was read"):
            list(source.read(remote, 0, len(TEXT)))


def test_an_end_that_is_not_marked(tmp_path):
    """Without length and chunks a cut cannot be seen: the digest is asked for, and then held."""
    with site(TEXT, tells_size=False) as (_, url):
        told = refused(tmp_path, f"{url}/p.csv")
        assert "a truncated file would look complete" in told
        assert told.endswith(f"sha256: {sha256(TEXT)}")
        fetch(tmp_path, f"{url}/p.csv", sha256=sha256(TEXT))
    assert (tmp_path / "raw/p.csv").read_bytes() == TEXT


def test_an_end_that_its_encoding_marks(tmp_path):
    """A gzip stream has its own end: the whole one is taken, a cut one is not."""
    manners = {"encoding": "gzip", "tells_size": False}
    with site(SENT["gzip"], **manners) as (_, url):
        fetch(tmp_path, f"{url}/p.csv")
    with site(SENT["gzip"][:9999], **manners) as (_, url):
        assert "its end is missing" in refused(tmp_path / "cut", f"{url}/p.csv")
