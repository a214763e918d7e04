"""The connection test names the first thing that is wrong."""

import pytest

pytestmark = pytest.mark.slow


def check(place):
    """Run the connection test with the default config."""
    return place.python("-m", "slmrag.tracking.check", "absent.yaml").stdout


def test_nothing_configured(place):
    """Without a server it says which file and variables it looked for."""
    (place.folder / ".clearml.conf").touch()
    said = check(place)
    assert f"{place.folder}/clearml.conf does not exist" in said
    assert "but the SDK reads ~/clearml.conf" in said


def test_refused_credentials(tracked, clearml):
    """With a wrong secret all up to the credentials is ok."""
    tracked.environment |= clearml.environment(secret="wrong")
    said = check(tracked)
    assert "ok    server" in said
    assert "FAIL  credentials: the server refuses the access key and secret" in said


@pytest.mark.parametrize(
    ("host", "step", "hint"),
    [
        ("http://127.0.0.1:9", "server", "is the server up, the port right?"),
        ("http://no.such.host.invalid:8008", "host", "does not resolve"),
        ("nonsense", "host", "write http://host:port"),
    ],
)
def test_a_bad_address(tracked, host, step, hint):
    """A port without a listener, a name without an address and no URL at all are told apart."""
    tracked.environment["CLEARML_API_HOST"] = host
    said = check(tracked)
    assert f"FAIL  {step}:" in said
    assert hint in said


def test_online_fails_before_the_first_job(place):
    """Mode online without a server is an error at the start of the run, in one sentence."""
    config = {"experiment": "exp", "tracking": {"mode": "online"}}
    done = place.python("-c", f"from slmrag.tracking import run; run.start({config!r})")
    assert done.returncode != 0
    assert "tracking.mode is online, but clearml: configuration: no server" in done.stderr
