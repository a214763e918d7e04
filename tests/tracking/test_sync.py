"""What is left to send: dead attempts, living runs, syncs with a deadline."""

import json
import multiprocessing
import os
import sys
import tempfile
import time

import pytest
from slmrag.job.attempts import Attempt, begin_attempt
from slmrag.job.killed_jobs import close_log_of_dead_job
from slmrag.tracking import sync
from slmrag.tracking.settings import settings
from slmrag.tracking.sync import synchronize
from slmrag.tracking.sync_process import counts_sentence, run_sync

from tests.tracking.memory_tracker import START, Memory, begin, write


def test_the_dead_are_buried(attempt):
    """An attempt whose process is gone gets one end that says so."""
    assert not attempt.has_ended()
    close_log_of_dead_job(attempt)
    close_log_of_dead_job(attempt)
    assert attempt.has_ended()
    (end,) = [event for event in attempt.read(0)[0] if event["kind"] == "end"]
    assert end["status"] == "failed"


def test_the_dead_leave_their_memory(attempt):
    """The last known peaks are in the end of a killed attempt, and its record says ``killed``."""
    record = attempt.path.parents[1] / "memory_usage.json"
    known = {"attempt": attempt.id, "status": "running", "peak": {"rss_bytes": 7}, "components": {}}
    record.write_text(json.dumps(known))
    close_log_of_dead_job(attempt)
    _, _, artifact, end = attempt.read(0)[0]
    assert (artifact["name"], artifact["metadata"]) == ("memory_usage", {"rss_bytes": 7})
    assert end["peak"] == {"rss_bytes": 7}
    assert json.loads(record.read_text()) == known | {"status": "killed"}


def test_another_attempts_memory_stays(attempt):
    """A record that a later attempt is writing is not touched."""
    record = attempt.path.parents[1] / "memory_usage.json"
    record.write_text(json.dumps({"attempt": "later", "status": "running"}))
    close_log_of_dead_job(attempt)
    assert json.loads(record.read_text())["status"] == "running"


def test_events_name_the_newest_attempt(tmp_path):
    """``events.jsonl`` is the log of the attempt that began last, written at the same time."""
    begin_attempt(tmp_path, "one")
    path = begin_attempt(tmp_path, "two")
    write(path, {"kind": "start"})
    assert (tmp_path / "events.jsonl").read_text() == '{"kind": "start"}\n'


def test_a_sync_that_sends_nothing_buries_the_dead(attempt, tmp_path):
    """Where tracking is off, too, an attempt whose process is gone gets its end."""
    write(attempt.path, {"kind": "memory", "time": 1.0})
    gone = multiprocessing.Process(target=int)
    gone.start()
    gone.join()
    text = attempt.path.read_text().replace(
        '"kind": "start"', f'"kind": "start", "pid": {gone.pid}'
    )
    attempt.path.write_text(text.replace('"id":', f'"host": "{os.uname().nodename}", "id":', 1))
    assert not attempt.has_ended()
    assert synchronize(tmp_path / "results", settings({"mode": "off"})) == ({}, None)
    assert attempt.has_ended()


def test_a_number_that_another_process_got_is_no_sign_of_life(attempt):
    """A process that began long after the log is not the job, though it has the same number."""
    own = {"host": os.uname().nodename, "pid": os.getpid()}
    for began, dead in [(time.time(), False), (time.time() - 10 * 86400, True)]:
        attempt.path.write_text("")
        write(attempt.path, START | own | {"time": began})
        assert attempt.is_dead() == dead


def test_a_sync_leaves_a_living_run_to_its_own_publisher(attempt, tmp_path):
    """Attempts of a run whose driver lives count as running; once it is over they are sent."""
    results = tmp_path / "results"
    whole = begin_attempt(results / "jobs/workflow/r", "r")
    alive = {"host": os.uname().nodename, "pid": os.getpid(), "time": time.time()}
    write(whole, START | alive | {"id": "r", "run": "r", "rule": "workflow"})
    job = begin(results, "job")
    write(job, {"kind": "end", "status": "completed"})
    assert sync.send_whole(Attempt(job), results, Memory()) == "running"
    assert sync.send_whole(Attempt(whole), results, Memory()) == "running"
    write(whole, {"kind": "end", "status": "completed"})
    assert sync.send_whole(Attempt(job), results, Memory()) == "sent"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "",
            "nothing sent; not finished after 2 s; what is left is kept for "
            "`snakemake -c1 sync_tracking`",
        ),
        (
            '{"counts": {"sent": 1, "kept": 7}, "failure": null}\n{"cou',
            "1 task sent, 7 tasks kept for `snakemake -c1 sync_tracking`; stopped after 2 s",
        ),
    ],
)
def test_a_sender_without_end_is_stopped(tmp_path, monkeypatch, lines, said):
    """The sentence tells what was done before the deadline; no temporary file is left."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{lines}'\ntouch $TMPDIR/left\nexec sleep 60\n")
    program.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(sys, "executable", str(program))
    assert counts_sentence(*run_sync(tmp_path, {}, 2)) == said
    assert not list((tmp_path / "tmp").iterdir())


def test_a_sync_tries_last_what_failed_before(tmp_path):
    """Attempts that always fail, as those whose task was deleted, hold up no other for ever."""
    results, tracker = tmp_path / "results", Memory()
    for name in ("a", "b", "c", "good"):
        path = begin(results, name, run=None)
        write(path, {"kind": "end", "time": 200.0, "status": "completed"})
    accept = tracker.open
    tracker.open = lambda start, run: {"good": accept}[start["id"]](start, run)
    counts = []
    for _ in range(2):
        waiting = sync.pending_attempts(results, "memory")
        counts.append(sync.send_pending(waiting, results, tracker, lambda *_: None)[0])
    assert counts == [{"sent": 0, "kept": 4}, {"sent": 1, "kept": 3}]
