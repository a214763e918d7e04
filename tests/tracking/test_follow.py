"""The publisher follows its own run, whatever is removed or fails."""

import multiprocessing
import os
import shutil
import time

import pytest
from slmrag.job.attempts import Attempt, begin_attempt
from slmrag.tracking import follow
from slmrag.tracking.settings import settings

from tests.tracking.memory_tracker import START, Memory, begin, write


def test_new_lines_of_a_log_are_news(followed):
    """A job that prints without an event is followed all the same."""
    follower, tracker, results = followed
    path = begin(results, "one")
    follower.step(last=True)
    Attempt(path).log.write_text("printed\n")
    follower.step()
    assert [event["text"] for event in tracker.lines if event["kind"] == "log"] == ["printed"]
    write(path, {"kind": "end", "time": time.time(), "status": "completed"})
    follower.step()
    assert follower.sent == 1


@pytest.fixture
def followed(tmp_path, monkeypatch):
    """A follower of run ``r`` with a tracker in memory, and a folder of results."""
    tracker = Memory()
    monkeypatch.setattr(follow, "connect_tracker", lambda settings: tracker)
    follower = follow.Follower(tmp_path / "results", "r", settings({"backend": "memory"}))
    return follower, tracker, tmp_path / "results"


def test_a_follower_sends_its_run_alone(followed):
    """Jobs of other runs are left to their own publisher; new events are sent as they come."""
    follower, tracker, results = followed
    whole = begin_attempt(results / "jobs/workflow/r", "r")
    write(whole, START | {"id": "r", "run": "r", "rule": "workflow"})
    follower.step(last=True)
    assert tracker.tasks == {}  # a run without jobs
    mine = begin(results, "mine")
    begin(results, "other", run="another")
    begin(results, "none", run=None)
    follower.step(last=True)
    assert set(tracker.tasks) == {"mine", "r"}
    write(mine, {"kind": "single", "name": "n", "value": 1}, {"kind": "end"})
    follower.step()
    assert follower.sent == 1 and len(tracker.lines) == 4
    follower.step(last=True)
    assert len(tracker.lines) == 4


def test_a_follower_goes_on_after_one_attempts_failure(followed):
    """An attempt that the server refuses is paused, the others are sent."""
    follower, tracker, results = followed
    for name in ("bad", "good"):
        write(begin(results, name), {"kind": "end", "status": "completed"})
    accept = tracker.open
    tracker.open = lambda start, run: {"good": accept}[start["id"]](start, run)
    follower.step(last=True)
    assert (follower.sent, set(tracker.tasks)) == (1, {"good"})
    bad = Attempt(results / "jobs/generate_answers/bad/attempts/bad.jsonl")
    assert "KeyError" in bad.state("memory")["error"]
    tracker.open = accept
    follower.step()
    assert follower.sent == 1  # paused
    follower.step(last=True)
    assert follower.sent == 2


def test_silent_tasks_are_kept_alive_while_their_process_lives(followed, monkeypatch):
    """A sign of life is sent for a silent job, none for one whose process is gone."""
    follower, tracker, results = followed
    gone = multiprocessing.Process(target=int)
    gone.start()
    gone.join()
    begin(results, "alive")
    begin(results, "dead", pid=gone.pid)
    follower.step(last=True)
    monkeypatch.setattr(follow, "KEEP_ALIVE_SECONDS", 0.0)
    tracker.acts.clear()
    follower.step()
    assert tracker.acts == [("alive", "task of alive")]


def test_a_follower_outlives_folders_that_are_removed(followed):
    """Jobs whose logs are gone are followed no more, and the results folder may go too."""
    follower, tracker, results = followed
    for name in ("gone", "good"):
        begin(results, name)
    follower.step(last=True)
    shutil.rmtree(results / "jobs/generate_answers/gone")
    follower.step()
    assert [path.stem for path in follower.open] == ["good"]
    shutil.rmtree(results)
    follower.step(last=True)
    assert not follower.open and set(tracker.tasks) == {"gone", "good"}


def test_a_follower_outlives_a_log_that_goes_while_it_looks(followed, monkeypatch):
    """A log that is listed but cannot be opened is looked for again."""
    follower, tracker, results = followed
    found = [results / "jobs/a/attempts/gone.jsonl", begin(results, "good")]
    monkeypatch.setattr(follow, "find_logs", lambda folder: iter(found))
    follower.step(last=True)
    assert set(tracker.tasks) == {"good"}


def test_jobs_that_always_fail_do_not_hold_up_the_rest(followed, monkeypatch):
    """After a pause the others are sent first."""
    follower, tracker, results = followed
    monkeypatch.setattr(follow, "PAUSE_SECONDS", 0.05)
    for name in ("a", "b", "c", "good"):
        write(begin(results, name), {"kind": "end", "status": "completed"})
    accept = tracker.open
    tracker.open = lambda start, run: {"good": accept}[start["id"]](start, run)
    follower.step()
    assert follower.sent == 0
    time.sleep(0.1)
    follower.step()
    assert (follower.sent, list(tracker.tasks)) == (1, ["good"])


def test_a_silent_run_s_log_is_renewed(followed, monkeypatch):
    """Before its first job too, or another machine takes the run for dead."""
    follower, _, results = followed
    whole = begin_attempt(results / "jobs/workflow/r", "r")
    write(whole, START | {"id": "r", "run": "r", "rule": "workflow"})
    os.utime(whole, (0, 0))
    follower.step()
    assert time.time() - whole.stat().st_mtime < 60
