"""Each attempt keeps its own log, and the last lines of a failed one are in its end event."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.job import attempts, log_file, log_process

from tests.job.test_run import FOLDER, eventually

ROOT = Path(__file__).resolve().parents[2]
DECLARED = "logs/one.log"


def own_logs(job):
    """Return the attempts' own logs, oldest first."""
    return sorted((job.folder / FOLDER / "attempts").glob("*.log"), key=begun)


def ends(job):
    """Return the end events of all attempts, oldest first."""
    return [attempts.Attempt(path.with_suffix(".jsonl")).end_event() for path in own_logs(job)]


def begun(log):
    """Return when an attempt began, by its own log: ids have no fractions of a second."""
    return attempts.Attempt(log.with_suffix(".jsonl")).start()["time"]


def test_no_attempt_overwrites_the_log_of_another(job):
    """Both logs are kept, and the declared path is the newest one."""
    job("crash")
    job("complete")
    first, second = own_logs(job)
    assert "ZeroDivisionError" in first.read_text()
    assert "working with" in second.read_text()
    assert os.path.samefile(job.folder / DECLARED, second)
    assert not list((job.folder / "logs").glob(".*"))


def test_a_mistake_met_again_is_in_the_log_of_the_first_attempt(job):
    """A retry that only repeats the sentence makes no new log, and hides no line of the old."""
    run = {"SLMRAG_RUN_ID": "run-1"}
    job("mistake", environment=run)
    job("mistake", environment=run)
    (log,) = own_logs(job)
    assert log.read_text() == 2 * "error: file x: line 3 has no question; add one\n"
    assert os.path.samefile(job.folder / DECLARED, log)
    assert len(ends(job)) == 1


def test_what_was_linked_stays_when_results_are_removed(job):
    """The declared path still has the log after the experiment's folder is gone."""
    job("complete")
    for path in own_logs(job):
        path.unlink()
    assert "working with" in (job.folder / DECLARED).read_text()


def test_other_ranks_write_into_files_of_their_own(job):
    """Rank 0's log has rank 0's lines only."""
    job("complete")
    job("complete", environment={"RANK": "1"})
    assert "working with" in (job.folder / "logs/one.rank-1.log").read_text()
    assert (job.folder / DECLARED).read_text().count("working with") == 1


def test_a_maintenance_rule_writes_to_its_declared_log(job):
    """It makes no folder for its attempts: it may be the rule that removes them."""
    job("complete", rule="clean_experiment")
    assert "working with" in (job.folder / DECLARED).read_text()
    assert not (job.folder / "results").exists()


def refuse(*_, **__):
    """Be a file system without links of some kind."""
    raise PermissionError("no links here")


def test_a_symlink_where_there_are_no_hard_links(tmp_path, monkeypatch):
    """It is relative to where it really lies, also if its folder is a link itself."""
    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "logs").symlink_to(tmp_path / "elsewhere" / "deep")
    declared, own = tmp_path / "logs" / "one.log", tmp_path / "results" / "a.log"
    os.write(log_file.open_log(declared, own), b"said")
    assert declared.is_symlink()
    assert declared.read_text() == own.read_text() == "said"


def test_the_declared_path_itself_where_there_are_no_links(tmp_path, monkeypatch):
    """Nothing is left of the attempt's own log, and an earlier attempt's is not cut."""
    declared, first = tmp_path / "one.log", tmp_path / "results" / "first.log"
    os.write(log_file.open_log(declared, first), b"first")
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "symlink", refuse)
    second = tmp_path / "results" / "second.log"
    os.write(log_file.open_log(declared, second), b"second")
    assert (declared.read_text(), first.read_text()) == ("second", "first")
    assert not second.exists()


def test_a_failed_jobs_last_lines_are_in_its_end(job):
    """What it printed without a flush is there too; a job that ends well has none."""
    job("talk", params={"say": "the model is 3 bits short", "end": "raise"})
    job("talk", params={"say": "fine", "end": "well"})
    failed, well = ends(job)
    assert "the model is 3 bits short" in failed["log_tail"]
    assert failed["log_tail"].endswith("RuntimeError: and failed")
    assert "log_tail" not in well


@pytest.mark.parametrize("said", ["last words", "line\n" * 20_000 + "last words\n"])
def test_a_killed_jobs_last_lines_are_in_its_end(job, said):
    """Also a line without an end, and what was still in the pipe."""
    job("talk", params={"say": said, "end": "kill"}, tracking={"mode": "off"})
    eventually(lambda: ends(job)[0]["log_tail"].splitlines()[-1] == "last words")


def test_a_secret_is_in_no_last_line(job):
    """The lines of the end event are as clean as the log."""
    secret = "s3cr3t-value-9"
    said = {"say": f"the key is {secret}\n", "end": "raise"}
    job("talk", params=said, environment={"MY_API_KEY": secret})
    assert "the key is [redacted]" in ends(job)[0]["log_tail"]


@given(st.text(st.sampled_from("ab \r\n\x1b[0m"), max_size=4000))
def test_last_lines_are_few_and_the_last(tmp_path_factory, text):
    """At most 20 lines and 2,000 characters, each the last state of its line."""
    path = tmp_path_factory.mktemp("log") / "one.log"
    path.write_text(text, newline="")
    found = log_file.last_lines(path) or ""
    assert len(found) <= log_file.LAST_CHARACTERS
    assert len(found.splitlines()) <= log_file.LAST_LINES
    assert "\r" not in found


def test_a_missing_log_has_no_last_lines(tmp_path):
    """Neither has an empty one."""
    (tmp_path / "empty.log").touch()
    assert log_file.last_lines(tmp_path / "empty.log") is None
    assert log_file.last_lines(tmp_path / "absent.log") is None


class Disk:
    """A disk with room for so many bytes."""

    def __init__(self):
        self.room, self.content = 0, b""

    def write(self, descriptor, data):
        """Take what fits, or refuse."""
        taken = data[: self.room]
        if not taken:
            raise OSError(28, "No space left on device")
        self.room -= len(taken)
        self.content += taken
        return len(taken)


@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 30)), max_size=30))
def test_a_full_disk_costs_no_line_that_fits_later(steps):
    """Whatever the disk takes and when, once there is room all is there, in order."""
    disk = Disk()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_process.os, "write", disk.write)
        log = log_process.LogFile(1)
        for text, room in steps:
            disk.room += room
            log.write(text)
        disk.room = 10_000
        log.write(b"")
    assert disk.content == b"".join(text for text, _ in steps)
    assert not log.held


def test_what_is_lost_is_counted(monkeypatch):
    """Of more than the bound the newest is kept, after a line that says how much is missing."""
    disk = Disk()
    monkeypatch.setattr(log_process.os, "write", disk.write)
    log = log_process.LogFile(1)
    log.write(b"a" * log_process.MAX_HELD_BYTES)
    log.write(b"b" * 10)
    disk.room = 2 * log_process.MAX_HELD_BYTES
    log.write(b"c")
    note, _, rest = disk.content.partition(b"\n")
    assert note == b"[10 bytes of this log are missing: the disk was full]"
    assert len(rest) == log_process.MAX_HELD_BYTES + 1
    assert rest.endswith(b"bc")


def test_a_job_goes_on_where_its_log_cannot_be_written(tmp_path):
    """A job that says more than a pipe holds neither hangs nor fails, and the terminal knows."""
    code = """
from slmrag.job.log import JobLog
from slmrag.job import log
log.open_log = lambda declared, own: __import__("os").open("/dev/full", 1)
with JobLog("one.log"):
    for number in range(20000):
        print("line", number)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "warning: one.log lacks its end: it could not be written\n"


def test_a_settled_log_has_all_that_was_printed(tmp_path):
    """Whatever the process that writes it is doing, and without a pause if there is nothing new."""
    code = """
import sys, time
from slmrag.job.log import JobLog
with JobLog("one.log") as log:
    for number in range(20):
        print("line\\n" * 300 + f"number {number}")
        log.settle(60)
        assert open("one.log").read().endswith(f"number {number}\\n"), number
    begun = time.monotonic()
    log.settle(60)
    assert time.monotonic() - begun < 1
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=120
    )


def test_events_name_their_log(job):
    """The log lies beside the events of the same attempt."""
    job("complete")
    (path,) = (job.folder / FOLDER / "attempts").glob("*.jsonl")
    attempt = attempts.Attempt(path)
    assert json.loads(path.read_text().splitlines()[0])["id"] == attempt.id
    assert "working with" in attempt.log.read_text()
    assert attempts.latest_attempt(job.folder / FOLDER) == attempt
    assert attempts.latest_attempt(job.folder) is None
