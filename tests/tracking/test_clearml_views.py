"""What a user of ClearML finds at the tasks of a run, read with the real SDK from the stand-in."""

import hashlib
import json
import os
import shutil
import threading

import pytest
from slmrag.job.attempts import begin_attempt

from tests.tracking.clearml_stand_in import ClearmlServer
from tests.tracking.conftest import Workplace

pytestmark = pytest.mark.slow
RUN, BEGUN = "run-1", 1_700_000_000.0
CONFIG = {
    "experiment": "exp",
    "models": {"tiny": {"checkpoint": "hf:org/tiny", "revision": "abc", "gpus": None}},
    "sampling": {"temperature": 0.0},
    "datasets": {"nq": {"object": "nq_test", "format": "dpr"}},
    "modes": {"oracle": {"context": "oracle", "passages": 1}},
}
PACKAGES = {"numpy": "2.0", "torch": "2.9"}
CODE = {"commit": "c0ffee", "repository": "https://host/lab/repo.git", "branch": "main"}
CODE |= {"diff": "--- a\n+++ b\n"}
FIGURE = {"data": [{"type": "bar", "x": ["tiny"], "y": [0.5]}], "layout": {"title": {"text": "t"}}}
LOG = "loading 1%\rloading 100%\nCUDA out of memory\n"
CELL = {"model": "tiny", "dataset": "nq", "mode": "oracle"}


def digest_of(path):
    """Return a file's digest and bytes as an artifact event has them."""
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}


def write_attempt(folder, rule, wildcards, *events, params=None, log="", **fields):
    """Write an attempt of a job that completed, and its log."""
    name = "-".join([rule, *wildcards.values()])
    path = begin_attempt(folder / "results/exp/jobs" / rule / "/".join(wildcards.values()), name)
    start = {"kind": "start", "id": name, "run": RUN, "rule": rule, "wildcards": wildcards}
    start |= {"experiment": "exp", "params": params or {}, "host": os.uname().nodename, "pid": 1}
    end = {"kind": "end", "status": "completed", "error": None}
    lines = [start | fields, *events]
    lines += [] if events and events[-1]["kind"] == "end" else [end]
    timed = [{"time": BEGUN + number} | line for number, line in enumerate(lines)]
    path.write_text("".join(json.dumps(line) + "\n" for line in timed))
    if log:
        path.with_suffix(".log").write_text(log)
    return path


def artifact(name, path, **fields):
    """Return an artifact event of a file."""
    return {"kind": "artifact", "name": name, "path": str(path), **digest_of(path), **fields}


def write_run(folder):
    """Write a finished run with a job of each kind."""
    write_attempt(
        folder, "workflow", {"run": RUN}, id=RUN, params=CONFIG, packages=PACKAGES, code=CODE
    )
    run = folder / f"results/exp/jobs/workflow/{RUN}/attempts"
    (run / f"workflow-{RUN}.jsonl").rename(run / f"{RUN}.jsonl")
    questions, checkpoint = folder / "questions.parquet", folder / "resources/models/tiny"
    questions.write_bytes(b"PAR1 questions")
    checkpoint.mkdir(parents=True)
    manifest = {"uri": "hf:org/tiny", "revision": "abc", "digest": "d1g3st"}
    checkpoint.with_suffix(".json").write_text(json.dumps(manifest))
    made = {"kind": "artifact", "name": "checkpoint", "path": str(checkpoint)}
    made |= {"sha256": "d1g3st", "bytes": 7}
    write_attempt(folder, "download_model", {"model": "tiny"}, made, params={"uri": "hf:org/tiny"})
    write_attempt(folder, "prepare_dataset", {"dataset": "nq"}, artifact("questions", questions))
    write_generation(folder)
    summary = folder / "summary.json"
    sources = {"questions": digest_of(questions)["sha256"]}
    summary.write_text(json.dumps(CELL | {"sources": sources}))
    scored = artifact("summaries/nq_oracle", summary)
    write_attempt(folder, "score_answers", {"model": "tiny"}, scored, params={"cells": [CELL]})
    table = {"kind": "table", "name": "comparison", "rows": [CELL | {"f1": 0.51234}]}
    plot = {"kind": "plot", "name": "f1", "path": str(folder / "no.svg"), "figure": FIGURE}
    note = {"kind": "note", "text": "On nq, **tiny** is best."}
    write_attempt(folder, "report_comparison", {}, table, plot, note)


def write_generation(folder):
    """Write an attempt that failed, with all that it printed."""
    model = {"kind": "model", "name": "tiny", "uri": "hf:org/tiny", "revision": "abc"}
    model |= {"digest": "d1g3st", "entry": CONFIG["models"]["tiny"]}
    memory = {"kind": "memory", "rss_bytes": 2e9, "gpu_bytes": 1e9, "gpu_percent": 80}
    progress = {"kind": "progress", "name": "answers", "done": 5, "total": 10, "per_second": 2.0}
    end = {"kind": "end", "status": "failed", "error": "Traceback\nRuntimeError: no engine"}
    end |= {"log_tail": ["CUDA out of memory"], "peak": {"gpu_bytes": 1e9}}
    params = {"model": CONFIG["models"]["tiny"], "cells": ["nq/oracle"]}
    events = [model, memory | {"components": []}, progress, end]
    write_attempt(folder, "generate_answers", {"model": "tiny"}, *events, params=params, log=LOG)


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """A server to which a run was sent with datasets, and the workplace."""
    pytest.importorskip("clearml", reason="the ClearML SDK is not installed")
    place = Workplace(tmp_path_factory.mktemp("views"))
    write_run(place.folder)
    with ClearmlServer() as server:
        place.environment |= server.environment()
        place.tracking |= {"datasets": "datasets"}
        assert place.sync()["counts"] == {"sent": 6}
        yield server, place
    assert not server.unknown and not server.deleted


def test_the_log_is_in_the_console_and_an_artifact(sent):
    """A job's own lines are shown once, a bar in its last state; the file is whole."""
    server, _ = sent
    task = server.task("generate_answers tiny")
    lines = server.lines(task["id"]).splitlines()
    assert lines.count("loading 100%") == lines.count("CUDA out of memory") == 1
    (log,) = [one for one in task["execution"]["artifacts"] if one["key"] == "log"]
    assert any(b"loading 1%\rloading" in content for content in server.files.values())
    assert (
        log["hash"] == hashlib.sha256(b"loading 1%\rloading 100%\nCUDA out of memory\n").hexdigest()
    )


def test_a_failed_task_says_why(sent):
    """Its reason is the error's last line and what was printed last; the message is longer."""
    server, _ = sent
    task = server.task("generate_answers tiny")
    assert task["status_reason"] == "RuntimeError: no engine\nCUDA out of memory"
    assert "Traceback" in task["status_message"]


def test_progress_and_memory_are_series(sent):
    """Answers over time, memory in GB, and the use of GPUs on an axis of its own."""
    server, _ = sent
    scalars = server.scalars(server.task("generate_answers tiny")["id"])
    assert scalars["progress", "answers"] == [5]
    assert scalars["memory GB/job", "GPU"] == scalars["peak memory GB", "job GPU"] == [1.0]
    assert scalars["GPU use percent", "busy"] == [80]


def test_tables_and_plots_are_native(sent):
    """The report's task has figures of plotly, and its note as description and line."""
    server, _ = sent
    task = server.task("report_comparison")
    drawn = {
        e["metric"]: json.loads(e["plot_str"])
        for e in server.events.values()
        if e["type"] == "plot"
    }
    assert drawn["f1"] == FIGURE
    assert drawn["comparison"]["data"][0]["cells"]["values"][-1] == ["0.5123"]
    assert task["comment"] == "On nq, tiny is best.\n\nattempt report_comparison"
    assert "On nq, **tiny** is best." in server.lines(task["id"])


def test_a_score_task_has_the_config_and_its_data_set(sent):
    """Model, sampling, data set and mode are sections, and the data set's digest is an input."""
    server, _ = sent
    task = server.task("score_answers tiny")
    sections = {
        name: {key: value["value"] for key, value in values.items()}
        for name, values in task["hyperparams"].items()
    }
    assert sections["Model"] == {"name": "tiny", "checkpoint": "hf:org/tiny", "revision": "abc"}
    assert sections["Dataset"]["format"] == "dpr" and sections["Mode"]["context"] == "oracle"
    assert sections["Sampling"]["max_tokens"] == "64"
    made = {one["key"]: one for one in server.task("prepare_dataset nq")["execution"]["artifacts"]}
    used = {one["key"]: one for one in task["execution"]["artifacts"]}
    assert used["questions_nq"]["mode"] == "input"
    assert used["questions_nq"]["hash"] == made["questions"]["hash"]


def test_execution_is_what_ran(sent):
    """Repository, commit, diff and packages of the run are those of its jobs."""
    server, _ = sent
    for name in ("score_answers tiny", f"workflow {RUN}"):
        script = server.task(name)["script"]
        assert script["version_num"] == "c0ffee" and script["diff"] == CODE["diff"]
        assert script["requirements"] == {"pip": "numpy==2.0\ntorch==2.9\n"}
        assert "diff" not in server.task(name)["hyperparams"]["Code"]


def test_a_downloaded_model_is_an_output_and_an_input(sent):
    """There is one entry, with its size and digest."""
    server, _ = sent
    (model,) = server.models.values()
    assert (model["name"], model["uri"]) == ("tiny", "hf:org/tiny")
    assert {key: one["value"] for key, one in model["metadata"].items()} == {
        "digest": "d1g3st",
        "revision": "abc",
        "bytes": "7",
    }
    link = [{"name": "tiny", "model": model["id"]}]
    assert server.task("download_model tiny")["models"]["output"] == link
    assert server.task("generate_answers tiny")["models"]["input"] == link


READ = """
import json
from pathlib import Path
from clearml import Dataset
found = Dataset.list_datasets(dataset_project="slm-experiments")
found.sort(key=lambda one: one["version"], reverse=True)
dataset = Dataset.get(dataset_id=found[0]["id"])
named = Dataset.get(dataset_project="slm-experiments", dataset_name="nq_")
folder = Path(dataset.get_local_copy())
content = (folder / "questions.parquet").read_bytes().decode()
facts = [dataset.name, dataset.project, dataset.version, dataset.list_files()]
print(json.dumps([len(found), facts, content, named.version]))
"""


def read_dataset(place):
    """Read the dataset with the SDK in a process of its own, without its cache."""
    shutil.rmtree(place.folder / ".clearml", ignore_errors=True)
    done = place.python("-c", READ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_sdk_reads_the_dataset(sent):
    """Its own class lists, finds and copies it, and the tasks that made or used it name it."""
    server, place = sent
    facts = ["nq_", "slm-experiments", "1.0.0", ["questions.parquet"]]
    assert read_dataset(place) == [1, facts, "PAR1 questions", "1.0.0"]
    (task,) = [one for one in server.tasks.values() if "dataset" in one["system_tags"]]
    assert task["status"] == "completed"
    for name in ("prepare_dataset nq", "score_answers tiny"):
        named = server.task(name)["hyperparams"]["Datasets"]
        assert named["nq"]["value"] == task["id"]


def test_a_content_is_a_dataset_once(sent):
    """The same content makes none; another is the next version, though two send it at a time."""
    server, place = sent
    questions = place.folder / "questions.parquet"
    again = artifact("questions", questions)
    write_attempt(place.folder, "prepare_dataset", {"dataset": "nq", "n": "2"}, again, run=None)
    questions.write_bytes(b"PAR1 other")
    other = artifact("questions", questions)
    for n in ("3", "4"):
        write_attempt(place.folder, "prepare_dataset", {"dataset": "nq", "n": n}, other, run=None)
    place.tracking |= {"upload_mb": 0.0}
    both = [threading.Thread(target=place.sync) for _ in range(2)]
    [thread.start() for thread in both]
    [thread.join() for thread in both]
    assert place.sync()["counts"] == {"sent": 0}
    made = [one for one in server.tasks.values() if "dataset" in one["system_tags"]]
    assert sorted(one["runtime"]["version"] for one in made) == ["1.0.0", "1.0.1"]
    newest = ["nq_", "slm-experiments", "1.0.1", ["questions.parquet"]]
    assert read_dataset(place) == [2, newest, "PAR1 other", "1.0.1"]  # a file by reference
