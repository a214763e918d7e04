"""What a tracker is told: names, alerts, attempts and what is left to send."""

import json
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.job import alerts, outputs
from slmrag.job.attempts import Attempt, AttemptBusy, begin_attempt, find_attempts
from slmrag.job.killed_jobs import close_log_of_dead_job
from slmrag.tracking import naming, start_publisher
from slmrag.tracking.send import send_attempt
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
    assert naming.project_name("slm/x", START) == "slm/x__/e__"
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
    assert list(naming.cells_of_job({"cells": cells})) == [
        {"model": "m", "dataset": "d", "mode": "o"}
    ]


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


def test_a_job_waits_where_its_end_would_leave_a_task_open(monkeypatch):
    """Without a word in the config, only a batch system's job whose task was begun waits."""
    chosen = settings({"deadline_seconds": 7})
    for name in start_publisher.BATCH_SYSTEMS:
        monkeypatch.delenv(name, raising=False)
    assert start_publisher.seconds_to_wait(chosen, True) == 0
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    assert (
        start_publisher.seconds_to_wait(chosen, True),
        start_publisher.seconds_to_wait(chosen, False),
    ) == (7, 0)
    assert start_publisher.seconds_to_wait(settings({"wait_seconds": 90}), False) == 20


def test_absent_settings_are_defaults():
    """None and unknown keys change nothing."""
    assert settings({"deadline_seconds": None, "other": 1}) == settings(None)
    assert not settings({"mode": "off"}).is_on


class Memory:
    """A tracker in memory that can be told to fail."""

    name = "memory"

    def __init__(self):
        self.tasks, self.sent, self.broken = {}, [], False

    def open(self, start, parent):
        return self.tasks.setdefault(start["id"], f"task of {start['id']}")

    def link(self, task, parent):
        self.sent.append(("link", parent))

    def send(self, task, start, events):
        if self.broken:
            raise ConnectionError
        self.sent += events


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
    assert [event["kind"] for event in tracker.sent] == ["start", "single", "end"]
    assert len(tracker.tasks) == 1


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


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "nothing sent; not finished after 2 s; all is kept for `snakemake -c1 sync_tracking`"),
        (
            '{"counts": {"sessions": 3, "kept": 7}, "failure": null}\n{"cou',
            "3 offline sessions written, 7 kept for `snakemake -c1 sync_tracking`; "
            "stopped after 2 s",
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


def test_an_offline_session_of_long_names_has_a_name_that_fits():
    """Three names of 80 letters and a rule are cut, and two attempts still differ."""
    from slmrag.tracking.clearml.offline import file_name

    wildcards = {"model": "m" * 80, "dataset": "d" * 80, "mode": "o" * 80}
    names = {
        file_name({"rule": "generate_answers", "wildcards": wildcards, "id": f"id{n}" * 10})
        for n in range(2)
    }
    assert len(names) == 2 and all(len(f".{name}.zip.{'x' * 12}.part") < 255 for name in names)


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
