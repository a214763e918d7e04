"""Events are lines of JSON, and nothing outside of a job."""

import hashlib
import json
import math
import os

import pytest
from slmrag.job import events


@pytest.fixture
def log(tmp_path):
    """A log that this process's events go to."""
    log = events.EventLog(tmp_path / "folder" / "events.jsonl")
    events.use_log(log)
    yield lambda: [json.loads(line) for line in (tmp_path / "folder/events.jsonl").open()]
    events.use_log(None)
    log.close()


def test_outside_of_a_job_nothing_happens():
    """Every function may be called without a log."""
    events.scalar("a", 1)
    events.single("b", 2)
    events.artifact("c", "/nowhere")
    events.table("d", [{"x": 1}])
    with events.component("model"):
        pass


def test_events_are_lines(log):
    """Each call appends one object with its time and kind."""
    events.scalar("loss", 0.5, 3)
    events.single("n", 7)
    kinds = [(event["kind"], event["name"], event["value"]) for event in log()]
    assert kinds == [("scalar", "loss", 0.5), ("single", "n", 7)]
    assert all(event["time"] > 1e9 for event in log())


def test_numbers_that_json_lacks_are_text(log):
    """NaN and infinity are written as text, so that any reader can read the line."""
    events.single("bad", math.nan)
    events.table("rows", [{"x": math.inf}])
    assert log()[0]["value"] == "nan"
    assert log()[1]["rows"] == [{"x": "inf"}]


def test_artifacts_have_size_and_digest(log, tmp_path):
    """A file and a folder have bytes and SHA-256, an absent file neither."""
    (tmp_path / "a").write_bytes(b"abc")
    events.artifact("file", tmp_path / "a", model="tiny")
    events.artifact("folder", tmp_path)
    events.artifact("absent", tmp_path / "b")
    file, folder, absent = log()
    assert (file["bytes"], file["sha256"][:8], file["metadata"]) == (
        3,
        "ba7816bf",
        {"model": "tiny"},
    )
    assert folder["bytes"] > 3
    assert len(folder["sha256"]) == 64
    assert absent["bytes"] is absent["sha256"] is None


def test_a_large_file_has_its_digest_too(log, tmp_path):
    """No size is too large for a SHA-256: here 300 MB of zeros."""
    with open(tmp_path / "large", "wb") as file:
        file.truncate(300_000_000)
    events.artifact("large", tmp_path / "large")
    expected = hashlib.sha256(bytes(300_000_000)).hexdigest()
    assert (log()[0]["bytes"], log()[0]["sha256"]) == (300_000_000, expected)


def test_a_forked_child_reports_nothing(log):
    """Only the job's own process writes."""
    child = os.fork()
    if child == 0:
        events.single("from", "child")
        os._exit(0)
    os.waitpid(child, 0)
    assert log() == []


def test_a_full_disk_costs_an_event_only(tmp_path):
    """A log that cannot be written raises nothing."""
    log = events.EventLog("/dev/full")
    log.write("single", name="n", value=1)
    log.close()


def test_events_are_read_from_a_byte_on(tmp_path):
    """What is no event is passed over, and so is a last line that is not whole yet."""
    lines = [b'{"kind": "start"}', b'{"kind": "al', b'{"kind": "alert"}', b"7", b'{"kind": "end"}']
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(lines))
    (start, behind), (alert, _) = events.read_events(path)
    assert (start["kind"], alert["kind"], behind) == ("start", "alert", len(lines[0]) + 1)
    assert [event for event, _ in events.read_events(path, behind)] == [alert]
    assert [event for event, _ in events.read_events(path, having=b"alert")] == [alert]
    with open(path, "rb") as file:
        assert events.find_end(file) == {"kind": "end"}
