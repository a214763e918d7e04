"""An attempt's log is sent once, whatever is refused."""

import multiprocessing

import pytest
from slmrag.job.attempts import Attempt, AttemptBusy, begin_attempt, find_attempts
from slmrag.tracking.send import FilesRefused, send_attempt

from tests.tracking.memory_tracker import START, Memory, write


def test_delivery_goes_on_where_it_stopped(attempt, tmp_path):
    """What was sent is not sent again; after the end there is nothing to send."""
    tracker, results = Memory(), tmp_path / "results"
    assert not send_attempt(attempt, tracker, results)
    tracker.broken = True
    write(attempt.path, {"kind": "end", "status": "completed"})
    with pytest.raises(ConnectionError):
        send_attempt(attempt, tracker, results)
    tracker.broken = False
    assert send_attempt(attempt, tracker, results)
    assert send_attempt(attempt, tracker, results)
    assert [event["kind"] for event in tracker.lines] == ["start", "single", "end"]
    assert tracker.acts == tracker.lines
    assert len(tracker.tasks) == 1


FILES = [{"kind": "artifact", "name": f"f{n}"} for n in range(5)]


def test_lines_are_reported_once_whatever_files_do(attempt, tmp_path):
    """What was accepted is saved before files are tried, and the end is sent without them."""
    tracker, results = Memory(), tmp_path / "results"
    end = {"kind": "end", "status": "completed"}
    write(attempt.path, *FILES, end)
    tracker.full = True
    for _ in range(2):
        with pytest.raises(FilesRefused, match="5 files were refused: OSError: the store is full"):
            send_attempt(attempt, tracker, results)
        tracker.refusals = 0
    assert [event["kind"] for event in tracker.acts] == ["start", "single", "end"]
    tracker.full = False
    assert send_attempt(attempt, tracker, results)
    assert [event["name"] for event in tracker.acts[3:]] == ["f0", "f1", "f2", "f3", "f4"]
    assert [event["kind"] for event in tracker.lines].count("end") == 1
    assert attempt.state("memory")["error"] is None


def test_files_that_are_not_named_in_the_task_are_refused(attempt, tmp_path):
    """They are sent again by the next sync, and the end is sent without them."""
    tracker, results = Memory(), tmp_path / "results"
    write(attempt.path, *FILES, {"kind": "end", "status": "completed"})
    tracker.unnamed = True
    with pytest.raises(FilesRefused, match="5 files were refused: OSError: no artifact"):
        send_attempt(attempt, tracker, results)
    assert tracker.acts[-1]["kind"] == "end"
    tracker.unnamed = False
    assert send_attempt(attempt, tracker, results)
    assert [event["name"] for event in tracker.acts[-5:]] == ["f0", "f1", "f2", "f3", "f4"]


@pytest.mark.parametrize("kind", ["model", "alert", "note"])
def test_a_refused_entry_holds_up_nothing(attempt, tmp_path, kind):
    """A model or tag that a server does not take is tried by the next sync; the end is there."""
    tracker, results = Memory(), tmp_path / "results"
    accept = tracker.act
    tracker.act = lambda task, start, event: (
        exec("raise PermissionError('no')") if event["kind"] == kind else accept(task, start, event)
    )
    write(attempt.path, {"kind": kind, "name": "x"}, {"kind": "end", "status": "completed"})
    with pytest.raises(FilesRefused, match="a part was refused: PermissionError: no"):
        send_attempt(attempt, tracker, results)
    assert tracker.acts[-1]["kind"] == "end"
    tracker.act = accept
    assert send_attempt(attempt, tracker, results)
    assert tracker.acts[-1]["kind"] == kind


def test_a_store_is_not_asked_without_end(attempt, tmp_path):
    """After three refused files the next are not tried: each may take a minute."""
    tracker = Memory()
    tracker.full = True
    write(attempt.path, *FILES, {"kind": "end", "status": "completed"})
    with pytest.raises(FilesRefused):
        send_attempt(attempt, tracker, tmp_path / "results")
    kept = attempt.state("memory")["files"]
    assert [event["refused"].split(":")[0] for event in kept] == ["OSError"] * 3 + ["not tried"] * 2


@pytest.mark.parametrize("more", [{"packages": {"polars": "1"}}, {"code": {"diff": "+a"}}])
def test_packages_and_diff_are_files_too(tmp_path, more):
    """A store that refuses those of a start does not hold up the end; a later sync sends them."""

    class Refusing(Memory):
        def act(self, task, start, event):
            super().act(task, start, event | {"kind": "artifact" if "id" in event else "other"})

    path = begin_attempt(tmp_path / "results/jobs/generate_answers/tiny", "attempt-1")
    write(path, START | more, {"kind": "end", "status": "completed"})
    tracker = Refusing()
    tracker.full = True
    with pytest.raises(FilesRefused, match="a file was refused: OSError: the store is full"):
        send_attempt(Attempt(path), tracker, tmp_path / "results")
    assert len(tracker.acts) == 1
    tracker.full = False
    assert send_attempt(Attempt(path), tracker, tmp_path / "results")
    assert len(tracker.acts) == 2


def test_a_batch_that_was_accepted_grows_no_line(attempt, tmp_path):
    """A failure after the report repeats the same batch's rest; later events are a new batch."""
    tracker, results = Memory(), tmp_path / "results"
    tracker.act = lambda *_: exec("raise ConnectionError")
    with pytest.raises(ConnectionError):
        send_attempt(attempt, tracker, results)
    write(attempt.path, {"kind": "single", "name": "later", "value": 2}, {"kind": "end"})
    del tracker.act
    assert send_attempt(attempt, tracker, results)
    assert [event["kind"] for event in tracker.lines] == ["start", "single", "single", "end"]
    assert tracker.acts == tracker.lines


def test_a_log_is_sent_once_and_is_a_file_at_the_end(attempt, tmp_path):
    """Lines of a request without an answer are sent again as they were, and then the later ones."""
    tracker, results = Memory(), tmp_path / "results"
    attempt.log.write_text("one\n")
    accept = tracker.report
    tracker.report = lambda *given: (accept(*given), exec("raise ConnectionError"))
    with pytest.raises(ConnectionError):
        send_attempt(attempt, tracker, results)
    with attempt.log.open("a") as file:
        file.write("two\nthree")
    write(attempt.path, {"kind": "end", "time": 200.0, "status": "completed"})
    tracker.report = accept
    assert send_attempt(attempt, tracker, results)
    texts = [event["text"] for event in tracker.lines if event["kind"] == "log"]
    assert texts == ["one", "two\nthree"]
    kinds = [event["kind"] for event in tracker.acts]
    assert kinds == ["start", "single", "artifact", "end"]
    assert (tracker.acts[2]["name"], tracker.acts[2]["bytes"]) == ("log", 13)
    assert "pending" not in attempt.state("memory")


def test_a_torn_line_waits(attempt):
    """A line that is still being written is read when it is whole."""
    with attempt.path.open("a") as file:
        file.write('{"kind": "sin')
    events, offset = attempt.read(0)
    assert len(events) == 2
    with attempt.path.open("a") as file:
        file.write('gle"}\n')
    assert attempt.read(offset)[0] == [{"kind": "single"}]


def test_a_child_is_linked_to_its_run(tmp_path):
    """The first job to be sent makes the run's task too, and is its child."""
    results = tmp_path / "results"
    whole = begin_attempt(results / "jobs/workflow/run-1", "run-1")
    write(whole, START | {"id": "run-1", "run": "run-1", "rule": "workflow"})
    path = begin_attempt(results / "jobs/generate_answers/tiny", "attempt-1")
    write(path, START | {"run": "run-1"})
    tracker = Memory()
    send_attempt(Attempt(path), tracker, results)
    assert set(tracker.tasks) == {"run-1", "attempt-1"}
    assert Attempt(path).state("memory")["parent"] == "task of run-1"
    assert [found.id for found in find_attempts(results)] == ["run-1", "attempt-1"]


def test_one_sender_at_a_time(attempt):
    """While one process holds an attempt's lock another is told that it is busy."""
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    child = context.Process(target=hold, args=(attempt.path, ready, leave))
    child.start()
    assert ready.wait(20)
    with pytest.raises(AttemptBusy), attempt.lock():
        pass
    leave.set()
    child.join()
    with attempt.lock():
        pass


def hold(path, ready, leave):
    """Hold an attempt's lock until told to leave."""
    with Attempt(path).lock():
        ready.set()
        leave.wait(20)
