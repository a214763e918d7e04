"""Proxies of the environment: asked where they are named, and never for this machine itself."""

import base64
import os

import pytest
from slmrag.errors import UserError
from slmrag.storage import transfer
from slmrag.storage.proxies import proxy_for
from slmrag.storage.s3 import s3_client

from tests.storage.test_download_web import fetch, refused
from tests.storage.web import site

pytestmark = pytest.mark.slow

FAR = "http://data.example.invalid/a.txt"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """Start from an environment that names no proxy, and do not wait long between tries."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(transfer, "FIRST_WAIT_SECONDS", 0.01)


PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    "named, url, expected",
    [
        ({}, FAR, None),
        ({"http_proxy": PROXY}, FAR, PROXY),
        ({"HTTP_PROXY": PROXY}, FAR, PROXY),
        ({"http_proxy": "proxy:3128"}, FAR, PROXY),
        ({"http_proxy": PROXY}, "https://data.example/x", None),
        ({"HTTPS_PROXY": PROXY}, "https://data.example/x", PROXY),
        ({"all_proxy": PROXY}, "https://data.example/x", PROXY),
        ({"ALL_PROXY": PROXY, "https_proxy": "http://b:1"}, "https://d.example/x", "http://b:1"),
        ({"http_proxy": PROXY, "no_proxy": "*"}, FAR, None),
        ({"http_proxy": PROXY, "no_proxy": "example.invalid"}, FAR, None),
        ({"http_proxy": PROXY, "NO_PROXY": "a.b, .example.invalid"}, FAR, None),
        ({"http_proxy": PROXY, "no_proxy": "ample.invalid"}, FAR, PROXY),
        ({"http_proxy": PROXY, "no_proxy": "10.0.0.0/8"}, "http://10.3.2.1:80/x", None),
        ({"http_proxy": PROXY, "no_proxy": "10.0.0.0/8"}, "http://11.3.2.1:80/x", PROXY),
        ({"http_proxy": PROXY, "no_proxy": "a.b example.invalid"}, FAR, None),
        ({"http_proxy": PROXY, "no_proxy": "*.example.invalid"}, FAR, None),
        ({"http_proxy": PROXY, "no_proxy": "data.example.invalid:80"}, FAR, None),
        ({"http_proxy": PROXY, "no_proxy": "data.example.invalid:81"}, FAR, PROXY),
        ({"http_proxy": PROXY, "no_proxy": "data.example.invalid."}, FAR, PROXY),
        ({"http_proxy": PROXY, "no_proxy": ","}, FAR, PROXY),
        ({"http_proxy": PROXY, "no_proxy": "[fd00::]/8"}, "http://[fd00::1]/x", PROXY),
        ({"http_proxy": PROXY, "no_proxy": "fd00::/8"}, "http://[fd00::1]/x", None),
        ({"http_proxy": PROXY, "no_proxy": "a, [fd00::1]"}, "http://[fd00::1]:81/x", None),
        ({"http_proxy": PROXY}, "http://localhost:9/x", None),
        ({"http_proxy": PROXY}, "http://127.1.2.3/x", None),
        ({"http_proxy": PROXY}, "http://[::1]:9/x", None),
    ],
)
def test_which_proxy(monkeypatch, named, url, expected):
    """The variables are read as curl and pip read them."""
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == expected


def test_through_a_proxy(tmp_path, monkeypatch):
    """A file comes through the proxy, which is given the login of its address."""
    with site(b"hello") as (server, url):
        monkeypatch.setenv("http_proxy", url.replace("://", "://user:se%20cret@"))
        fetch(tmp_path, FAR)
    assert (tmp_path / "raw/a.txt").read_bytes() == b"hello"
    path, headers = server.requests[0]
    assert path == FAR
    login = headers["Proxy-Authorization"].removeprefix("Basic ")
    assert base64.b64decode(login) == b"user:se cret"


def test_a_redirect_to_this_machine(tmp_path, monkeypatch):
    """Where a far address sends to a near one, that is asked without the proxy."""
    with site(b"hello") as (near, there), site(b"", location=f"{there}/b.txt") as (_, proxy):
        monkeypatch.setenv("http_proxy", proxy)
        fetch(tmp_path, FAR)
    assert near.requests[0][0] == "/b.txt"


def test_refused_by_a_proxy(tmp_path, monkeypatch):
    """A proxy that passes nothing on is named, without the login; one that wants one, too."""
    with site(b"", status=502) as (_, url):
        monkeypatch.setenv("https_proxy", url.replace("://", "://user:hush@"))
        told = refused(tmp_path, FAR.replace("http:", "https:"))
    assert f"the proxy {url} from the environment does not forward the request" in told
    assert "502" in told and "hush" not in told
    with site(b"", status=407) as (_, url):
        monkeypatch.setenv("all_proxy", url)
        assert "write user and password into its address" in refused(tmp_path, FAR)
        monkeypatch.setenv("https_proxy", url)
        told = refused(tmp_path, FAR.replace("http:", "https:"))
        assert "write user and password into its address" in told
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert "the proxy http://127.0.0.1:9 from" in refused(tmp_path, FAR)


def test_a_proxy_of_another_kind(tmp_path, monkeypatch):
    """One that is not spoken is named."""
    monkeypatch.setenv("http_proxy", "socks5://proxy:1080")
    assert "socks5://proxy:1080: the environment names a proxy" in refused(tmp_path, FAR)


def test_s3_of_this_machine(monkeypatch):
    """An S3 server of this machine is asked without the proxy, too."""
    for name in ("http_proxy", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, PROXY)
    near = s3_client({"endpoint_url": "http://127.0.0.1:9"}, "s3://a/b")
    assert near.meta.config.proxies == {}
    far = s3_client({"endpoint_url": "http://s3.example"}, "s3://a/b")
    assert far.meta.config.proxies == {"http": PROXY}


@pytest.mark.parametrize(
    "named, url, expected",
    [
        ({"all_proxy": PROXY}, None, {"https": PROXY}),
        ({"https_proxy": PROXY}, "http://s3.example", {}),
        ({"http_proxy": PROXY, "no_proxy": "10.0.0.0/8"}, "http://10.1.2.3:9000", {}),
        ({"https_proxy": PROXY, "no_proxy": ".amazonaws.com"}, None, {}),
        ({"https_proxy": PROXY, "no_proxy": "a.s3.amazonaws.com"}, None, {}),
        ({"https_proxy": PROXY, "no_proxy": "b.s3.amazonaws.com"}, None, {"https": PROXY}),
    ],
)
def test_s3_by_the_same_words(monkeypatch, named, url, expected):
    """S3 is asked through the proxy that a link of its endpoint is asked through."""
    for name, value in {**named, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    assert s3_client({"endpoint_url": url}, "s3://a/b").meta.config.proxies == expected


def test_s3_through_a_proxy(tmp_path, monkeypatch):
    """Requests for a far bucket reach the proxy, whichever variable names it."""
    with site(b"no", status=403) as (server, url):
        monkeypatch.setenv("all_proxy", url)
        storage = {"endpoint_url": "http://s3.example.invalid", "anonymous": True}
        refused(tmp_path, "s3://bucket/a.txt", storage)
    assert server.requests[0][0] == "http://s3.example.invalid/bucket/a.txt"


def test_redirected_without_end(tmp_path):
    """It is told."""
    with site(b"") as (server, url):
        server.location = f"{url}/b.txt"
        with pytest.raises(UserError, match="or endlessly"):
            fetch(tmp_path, f"{url}/a.txt")
