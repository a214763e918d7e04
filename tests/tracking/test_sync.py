"""What a tracker is told: names, alerts, attempts and what is left to send."""

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.job import alerts, outputs
from slmrag.job.attempts import Attempt, AttemptBusy, begin_attempt, find_attempts
from slmrag.job.job_info import cells_of_job
from slmrag.job.killed_jobs import close_log_of_dead_job
from slmrag.tracking import follow, naming, sync
from slmrag.tracking.clearml import names
from slmrag.tracking.clearml.store import file_url, store_name
from slmrag.tracking.send import FilesRefused, send_attempt, with_run
from slmrag.tracking.settings import settings
from slmrag.tracking.sync import synchronize
from slmrag.tracking.sync_process import counts_sentence, run_sync

START = {
    "time": 100.0,
    "kind": "start",
    "id": "attempt-1",
    "run": None,
    "rule": "generate_answers",
    "wildcards": {"model": "tiny"},
    "experiment": "e",
    "params": {"cells": ["nq/no_context", "nq/oracle"], "sampling": {"temperature": 0.0}},
}


def test_names():
    """Project, task and tags come from rule, wildcards, experiment and cells."""
    assert naming.task_name(START) == "generate_answers tiny"
    assert naming.project_name("slm/x", START) == "slm/x/e"
    assert naming.task_tags(START) == [
        "dataset:nq",
        "experiment:e",
        "mode:no_context",
        "mode:oracle",
        "model:tiny",
        "rule:generate_answers",
    ]
    assert naming.artifact_name("generate_answers", "answers/nq_oracle") == "predictions_nq_oracle"
    assert naming.artifact_name("score_answers", "scores") == "experiment_results"
    run = START | {"rule": "workflow", "wildcards": {"run": "r"}, "params": {}}
    assert naming.task_tags(run) == ["experiment:e", "rule:workflow"]


@given(st.text(" abC-._ü", min_size=1, max_size=5).filter(str.strip))
def test_a_server_accepts_every_name(name):
    """A name has 3 characters at least, and one that is long enough stays as it is."""
    filled = names.server_name(name)
    assert len(filled) >= names.MIN_CHARACTERS and filled == names.server_name(filled)
    assert filled.rstrip("_") == name.strip().rstrip("_")
    assert len(name.strip()) < names.MIN_CHARACTERS or filled == name.strip()
    assert names.project_path(f"{name}/lab") == f"{filled}/lab"


def test_mlflow_tags_name_all_modes():
    """A job of several cells has one tag a kind, which names all of them."""
    from slmrag.tracking.mlflow.tags import joined_tags

    tags = joined_tags(naming.task_tags(START))
    assert (tags["mode"], tags["model"]) == ("no_context, oracle", "tiny")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://minio:9000/bucket/x", "bucket 'bucket' at minio:9000"),
        ("s3://bucket/x", "bucket 'bucket' at Amazon S3"),
        ("http://files:8081/x", "the store http://files:8081"),
    ],
)
def test_a_store_is_named_by_bucket_and_endpoint(url, name):
    """A sentence about a store says which one."""
    assert store_name(url) == name


def test_an_address_has_no_query():
    """A project may have any name, and its files can be opened."""
    assert file_url("http://files:8081/", "a?b#c/d 50%", "f.txt") == (
        "http://files:8081/a_b_c/d 50%/f.txt"
    )


def test_one_file_is_named_as_several_are():
    """An artifact's name does not depend on how many cells a job has."""
    cells = [{"model": "m", "dataset": "nq", "mode": mode} for mode in ("oracle", "none")]
    labels = [
        outputs.file_labels(SimpleNamespace(params={"cells": cells[:n]}), ["file"] * n)
        for n in (1, 2)
    ]
    assert labels[0] == labels[1][:1] == [{"dataset": "nq", "mode": "oracle"}]


@pytest.mark.parametrize(
    "cells",
    [
        [{"model": "m", "dataset": "d", "mode": "o"}],
        [["m", "d", "o"]],
        ["m/d/o"],
    ],
)
def test_cells_in_every_shape(cells):
    """A cell may be a mapping, a list or a path."""
    assert list(cells_of_job({"cells": cells})) == [{"model": "m", "dataset": "d", "mode": "o"}]


@given(st.dictionaries(st.text("abc", min_size=1), st.integers() | st.none() | st.lists(st.text())))
def test_flat_values_are_text(values):
    """Flattening keeps every key, and every value can be read back."""
    flat = naming.flatten({"top": values}) if values else {}
    assert set(flat) == {f"top.{key}" for key in values}
    assert {key[4:]: json.loads(value) for key, value in flat.items()} == values


def test_alerts_on_memory_and_time():
    """Only what is above its limit is an alert."""
    found = alerts.limit_facts(
        {"pss_bytes": 9.6e8, "gpu_memory_percent": 96}, 7200, {"mem_mb": 1000}
    )
    limits = {"gpu_memory_percent": 95, "host_memory_percent": 97, "run_hours": 1}
    said = dict(alerts.machine_alerts(limits, found))
    assert set(said) == {"gpu_memory_percent", "run_hours"}
    assert said["run_hours"] == "run time is 2 h, above 1 h"


def test_alerts_on_results():
    """Shares follow from counts; a score is held to its cell's expectation, else to the general."""
    results = {"questions": 10, "truncated": 3, "empty": 0}
    results |= {"token_recall/nq/oracle": 0.3, "token_recall/nq/no_context": 0.3}
    limits = {"truncated_share": 0.2, "empty_share": 0.2}
    limits["expected"] = {"token_recall": 0.1, "token_recall/nq/oracle": 0.5}
    assert dict(alerts.result_alerts(limits, results)) == {
        "truncated_share": "share of truncated answers is 0.3, above 0.2",
        "token_recall_low": "token_recall is 0.3, below the expected 0.5 in nq/oracle",
    }


def test_numbers_about_a_file():
    """A file of a cell carries the numbers named after that cell; a file alone carries all."""
    results = {"questions": 9, "answers/nq/oracle": 4, "answers/nq/none": 5, "engine": "echo"}
    part = {"dataset": "nq", "mode": "oracle"}
    assert outputs.numbers_of_file(results, part, False) == {"answers": 4}
    assert outputs.numbers_of_file({"questions": 9}, {}, True) == {"questions": 9}
    assert outputs.numbers_of_file(results, {"file": "0"}, False) == {}


def test_a_folder_has_its_manifest_s_digest(tmp_path):
    """The digest that a job wrote beside its folder is taken over; a manifest itself is hashed."""
    folder, manifest = str(tmp_path / "index"), str(tmp_path / "index.json")
    Path(folder).mkdir()
    Path(manifest).write_text('{"digest": "abc"}')
    job = SimpleNamespace(outputs={"index": [folder], "manifest": [manifest]})
    assert outputs.known_digest(job, folder) == "abc"
    assert outputs.known_digest(job, manifest) is None
    job.outputs.pop("manifest")
    assert outputs.known_digest(job, folder) is None


def test_absent_settings_are_defaults():
    """None and unknown keys change nothing."""
    assert settings({"deadline_seconds": None, "other": 1}) == settings(None)
    assert not settings({"mode": "off"}).is_on


class Memory:
    """A tracker in memory that can be told to fail, at all or at files."""

    name = "memory"

    def __init__(self):
        self.tasks, self.lines, self.acts, self.links = {}, [], [], []
        self.broken, self.full, self.unnamed, self.refusals = False, False, False, 0

    def open(self, start, parent):
        return self.tasks.setdefault(start["id"], f"task of {start['id']}")

    def link(self, task, parent):
        self.links.append(parent)

    def keep_alive(self, task):
        self.acts.append(("alive", task))

    def register_files(self, task):
        if self.unnamed:
            raise OSError("no artifact for this task")

    def report(self, task, start, events, again):
        if self.broken:
            raise ConnectionError
        self.lines += [event for event in events if not (again and event in self.lines)]

    def act(self, task, start, event):
        if self.full and event["kind"] == "artifact":
            raise OSError("the store is full")
        if self.broken:
            raise ConnectionError
        self.acts.append(event)


@pytest.fixture
def attempt(tmp_path):
    """An attempt with a start, a point and no end."""
    path = begin_attempt(tmp_path / "results/jobs/generate_answers/tiny", "attempt-1")
    write(path, START, {"kind": "single", "name": "n", "value": 1})
    return Attempt(path)


def write(path, *events):
    """Append events to a log."""
    with path.open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


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


def test_a_job_has_what_only_its_run_says():
    """Config, packages and repository are the run's; the commit and other packages are its own."""
    whole = {"params": {"models": {}}, "packages": {"a": "1"}}
    whole |= {"code": {"commit": "old", "repository": "r", "diff": "d"}}
    own = START | {"code": {"commit": "new", "digest": "x", "branch": None}}
    found = with_run(own, whole)
    assert found["code"] == {"commit": "new", "repository": "r", "diff": "d", "digest": "x"}
    assert (found["config"], found["packages"]) == ({"models": {}}, {"a": "1"})
    assert with_run(START | {"packages": {"b": "2"}}, whole)["packages"] == {"b": "2"}
    assert with_run(START, None)["config"] == {}
    assert "Code" not in naming.parameter_sections(START | {"code": {"diff": "d"}})


def test_an_encoder_is_a_job_s_model(tmp_path):
    """What a retriever's job encodes with is named by its manifest; a job without one has none."""
    manifest = tmp_path / "dense.json"
    manifest.write_text('{"uri": "hf:org/e5", "revision": "r", "digest": "d"}')
    job = SimpleNamespace(wildcards={"retriever": "dense"}, params={"entry": {"kind": "dense"}})
    job.inputs = {"encoder_manifest": [str(manifest)]}
    facts = outputs.model_facts(job)
    assert (facts["name"], facts["uri"], facts["digest"]) == ("dense", "hf:org/e5", "d")
    job.inputs = {"encoder_manifest": []}
    assert outputs.model_facts(job) is None


def test_keys_of_clearml_are_refused_for_mlflow():
    """The sentence says what to do."""
    from slmrag.config.tracking import TrackingEntry

    assert TrackingEntry(datasets="datasets").params()["datasets"] == "datasets"
    assert "datasets" not in TrackingEntry().params()
    with pytest.raises(ValueError, match=r"the backend is mlflow, .*: remove the key"):
        TrackingEntry(backend="mlflow", datasets="datasets")
    with pytest.raises(ValueError, match=r"output_uri: the backend is mlflow, .*: remove the key"):
        TrackingEntry(backend="mlflow", output_uri="s3://host/bucket")


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


@pytest.fixture
def followed(tmp_path, monkeypatch):
    """A follower of run ``r`` with a tracker in memory, and a folder of results."""
    tracker = Memory()
    monkeypatch.setattr(follow, "connect_tracker", lambda settings: tracker)
    follower = follow.Follower(tmp_path / "results", "r", settings({"backend": "memory"}))
    return follower, tracker, tmp_path / "results"


def begin(results, name, **fields):
    """Begin an attempt of a job of that name."""
    path = begin_attempt(results / "jobs/generate_answers" / name, name)
    alive = {"host": os.uname().nodename, "pid": os.getpid(), "time": time.time()}
    write(path, START | alive | {"id": name, "run": "r"} | fields)
    return path


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


def test_an_experiment_that_is_deleted_at_mlflow_is_named_with_its_remedy():
    """No run can be made there: the sentence says how to restore it, or to take another."""
    from types import SimpleNamespace

    from slmrag.tracking.mlflow.tracker import DeletedExperiment, MlflowTracker

    found = SimpleNamespace(lifecycle_stage="deleted", experiment_id="7")
    tracker = MlflowTracker.__new__(MlflowTracker)
    tracker.client = SimpleNamespace(get_experiment_by_name=lambda name: found)
    with pytest.raises(
        DeletedExperiment, match=r"'lab/base' is deleted .*restore --experiment-id 7"
    ):
        tracker.experiment("lab/base")
