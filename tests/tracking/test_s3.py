"""ClearML's artifacts on a real S3 server, by the very clearml.conf that the document shows."""

import re
import textwrap

import pytest

from tests.tracking.conftest import ROOT, listed

pytestmark = pytest.mark.slow

DOCUMENT = ROOT / "docs" / "tracking.md"


def documented(start, end):
    """Return the document's indented block that begins and ends with these lines, as it stands."""
    lines = DOCUMENT.read_text().splitlines()
    first = lines.index(f"    {start}")
    last = lines.index(f"    {end}", first)
    return textwrap.dedent("\n".join(lines[first : last + 1])) + "\n"


def conf(api, key, store):
    """Return the documented clearml.conf with its examples replaced, nothing else."""
    text = documented("api {", "]")
    changes = {"http://clearml.example:8008": api, "http://clearml.example:8080": api}
    changes |= {"http://clearml.example:8081": api, "YOURKEY": key, "minio.example:9000": store}
    for example, real in changes.items():
        assert text.count(example) == 1
        text = text.replace(example, real)
    return text


@pytest.fixture
def stored(place, clearml, s3):
    """A workplace whose server and store stand in ``~/clearml.conf``."""
    known = clearml.environment()
    host = s3.endpoint_url.removeprefix("http://")
    text = conf(clearml.url, known["CLEARML_API_ACCESS_KEY"], host)
    (place.folder / "clearml.conf").write_text(text)
    place.environment["CLEARML_API_SECRET_KEY"] = known["CLEARML_API_SECRET_KEY"]
    place.environment["AWS_ACCESS_KEY_ID"] = s3.access_key
    place.environment["AWS_SECRET_ACCESS_KEY"] = s3.secret_key
    place.tracking["output_uri"] = f"s3://{host}/tracking"
    return place


def test_artifacts_go_to_the_bucket(stored, clearml, s3):
    """A job's files are in the bucket, and the task names them there."""
    stored.tracked_job("complete")
    task = clearml.task("score_answers tiny/nq/one")
    uris = {item["key"]: item["uri"] for item in task["execution"]["artifacts"]}
    keys = listed(s3)
    for uri in uris.values():
        assert uri.startswith(stored.tracking["output_uri"])
        assert uri.split("/tracking/", 1)[1].replace("%20", " ") in {
            key.replace("%20", " ") for key in keys
        }
    assert clearml.files == {}


def test_the_check_makes_a_round_trip(stored, s3):
    """``check`` says ok for each step, the artifact's round trip included, and leaves nothing."""
    before = listed(s3)
    done = check(stored)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()[1:]
    steps = ["configuration", "host", "server", "credentials", "project", "artifacts"]
    assert [line.split()[:2] for line in lines] == [["ok", f"{step}:"] for step in steps]
    assert "a file was sent, read back and deleted" in lines[-1]
    assert listed(s3) == before


def test_the_check_names_a_bad_store(stored):
    """With a wrong secret for the store, that step fails and says where to look."""
    stored.environment["AWS_SECRET_ACCESS_KEY"] = "not-the-secret"
    done = check(stored)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("FAIL  artifacts:")
    assert "clearml.conf" in done.stdout
    assert "refuses an upload" in done.stdout and "bucket 'tracking' at 127.0.0.1" in done.stdout
    assert "not-the-secret" not in done.stdout + done.stderr


def check(place):
    """Run the connection test."""
    config = place.folder / "config.yaml"
    (line,) = re.findall(r"`(tracking: \{output_uri: .*\})`", DOCUMENT.read_text())
    config.write_text(line.replace("s3://minio.example:9000/bucket", place.tracking["output_uri"]))
    return place.python("-m", "slmrag.tracking.check", str(config))
