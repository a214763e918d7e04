"""ClearML, by its real SDK against the stand-in."""

import json
import shutil
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from tests.tracking.clearml_stand_in import ClearmlServer

pytestmark = pytest.mark.slow
NAME = "score_answers tiny/nq/one"


def test_a_job_becomes_a_task(tracked, clearml):
    """A job's task has its project, names, tags, type, parameters, points, artifacts and status."""
    assert tracked.job("complete").status == 0
    task = clearml.task(NAME)
    project = clearml.projects[task["project"]]["name"]
    assert (project, task["status"], task["type"]) == (
        "slm-experiments/exp",
        "completed",
        "testing",
    )
    assert {"rule:score_answers", "experiment:exp", "model:tiny"} <= set(task["tags"])
    assert task["hyperparams"]["Params"]["model.checkpoint"]["value"] == "hf:org/tiny"
    assert json.loads(task["configuration"]["params"]["value"])["model"]["revision"] == "abc"
    scalars = clearml.scalars(task["id"])
    assert scalars["loss", "train"] == pytest.approx([1, 1 / 2, 1 / 3])
    assert scalars["Summary", "token_recall"] == [0.5]
    assert scalars["memory/job", "CPU peak"][0] > 10e6
    assert scalars["memory/model", "CPU peak"][0] > 10e6
    artifacts = {item["key"]: item for item in task["execution"]["artifacts"]}
    assert set(artifacts) == {"experiment_results", "memory_usage"}
    assert artifacts["experiment_results"]["content_size"] == len("the same bytes")
    assert b"the same bytes" in clearml.files.values()
    assert "engine: echo" in clearml.lines(task["id"])


def test_the_model_is_an_input_of_the_task(tracked, clearml):
    """Two jobs with one model register it once, as the input model of both tasks."""
    tracked.job("complete", name="one")
    tracked.job("complete", name="two")
    (model,) = clearml.models.values()
    assert (model["name"], model["uri"]) == ("tiny", "hf:org/tiny")
    inputs = [task["models"]["input"] for task in clearml.tasks.values()]
    assert inputs == [[{"name": "tiny", "model": model["id"]}]] * 2


@pytest.mark.parametrize(
    ("main", "status", "said"),
    [
        ("mistake", "failed", "file x: line 3 has no question"),
        ("crash", "failed", "ZeroDivisionError"),
        ("vanish", "failed", "SIGKILL"),
        ("terminated", "stopped", "Terminated"),
    ],
)
def test_a_bad_end_arrives(tracked, clearml, main, status, said):
    """A job that fails, is killed or vanishes arrives as such, with the reason."""
    assert tracked.job(main).status != 0
    eventually(lambda: clearml.task(NAME)["status"] == status)
    assert said in clearml.lines(clearml.task(NAME)["id"])


def test_points_arrive_while_the_job_runs(tracked, clearml):
    """A task is in progress, with memory points, before its job ends."""
    import threading

    worker = threading.Thread(
        target=tracked.job, args=("complete",), kwargs={"params": {"seconds": 20}}
    )
    worker.start()
    eventually(lambda: any(task["status"] == "in_progress" for task in clearml.tasks.values()))
    eventually(lambda: ("memory/job", "CPU") in clearml.scalars(clearml.task(NAME)["id"]))
    assert clearml.task(NAME)["status"] == "in_progress"
    worker.join()


NOISE = 15.0
"""Seconds by which a loaded machine may make the same job slower."""
FAULTS = ["refuse", "stall", "slow", "fail", "die", "reject"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_server_costs_no_result(tracked, clearml, fault):
    """Whatever the server does, the output is the same, the time is bounded, and sync repairs."""
    deadline, patient = 3, dict(tracked.tracking)
    without = tracked.job("complete", name="off", tracking={"mode": "off"})
    tracked.tracking |= {"deadline_seconds": deadline, "wait_seconds": deadline}
    tracked.tracking |= {"connect_seconds": 1}
    hurt(tracked, clearml, fault)
    outcome = tracked.job("complete")
    assert outcome.status == 0
    assert (tracked.folder / "one.txt").read_bytes() == (tracked.folder / "off.txt").read_bytes()
    assert outcome.seconds < without.seconds + deadline + NOISE
    assert tracked.events()[-1]["status"] == "completed"
    heal(tracked, clearml)
    tracked.tracking = patient
    shutil.rmtree(tracked.folder / "results/exp/jobs/score_answers/tiny/nq/off")
    eventually(lambda: tracked.sync()["failure"] is None)
    assert tracked.sync()["counts"] == {"sent": 0}
    assert clearml.task(NAME)["status"] == "completed"
    assert clearml.scalars(clearml.task(NAME)["id"])["loss", "train"][0] == 1


def hurt(place, server, fault):
    """Do a server harm."""
    if fault == "refuse":
        place.environment |= {"CLEARML_API_HOST": "http://127.0.0.1:9"}
    elif fault == "reject":
        place.environment |= server.environment(secret="wrong")
    elif fault == "slow":
        server.slow_seconds = 0.5
    elif fault == "die":
        server.die_after = 5
    else:
        server.fault = fault


def heal(place, server):
    """Undo it."""
    place.environment |= server.environment()
    server.fault, server.slow_seconds, server.die_after = "none", 0.0, None
    server.stop_stalling.set()


def test_sync_sends_once(tracked, clearml):
    """What was kept is sent once: by a sync, a second one, and two at a time."""
    import threading

    place = dict(tracked.environment)
    tracked.environment |= {"CLEARML_API_HOST": "http://127.0.0.1:9"}
    for name, main in [("one", "complete"), ("two", "crash")]:
        tracked.job(main, name=name, tracking=tracked.tracking | {"wait_seconds": 3})
    tracked.environment = place
    both = [threading.Thread(target=tracked.sync) for _ in range(2)]
    [thread.start() for thread in both]
    [thread.join() for thread in both]
    assert tracked.sync()["counts"] == {"sent": 0}
    statuses = sorted((task["name"][-3:], task["status"]) for task in clearml.tasks.values())
    assert statuses == [("one", "completed"), ("two", "failed")]


def test_a_sender_stopped_at_its_deadline_sends_nothing_twice(place, clearml):
    """Cut again and again amid three jobs, by a server that answers slowly, each arrives once."""
    names = ("one", "two", "three")
    for name in names:
        place.job("complete", name=name)
    place.environment |= clearml.environment()
    clearml.slow_seconds = 0.3
    code = "import json, pathlib, sys; from slmrag.tracking.sync_process import run_sync; "
    code += "print(json.dumps(run_sync(pathlib.Path('results/exp'), *json.loads(sys.argv[1]))))"
    said, seconds = [[{}, "not yet"]], 2.0
    while said[-1][1]:
        done = place.python("-c", code, json.dumps([place.tracking, seconds]))
        said.append(json.loads(done.stdout))
        seconds *= 1.3
    assert len(said) > 2
    assert place.sync()["counts"] == {"sent": 0}
    tasks = [clearml.task(f"score_answers tiny/nq/{name}") for name in names]
    assert len(clearml.tasks) == 3
    for task in tasks:
        assert task["status"] == "completed"
        assert clearml.scalars(task["id"])["loss", "train"] == pytest.approx([1, 1 / 2, 1 / 3])
        keys = [item["key"] for item in task["execution"]["artifacts"]]
        assert len(keys) == len(set(keys))


def test_a_lost_note_makes_no_second_task(tracked, clearml):
    """Without its note of what was sent, a sync finds the task at the server by the attempt."""
    tracked.job("complete")
    points = dict(clearml.events)
    (note,) = tracked.folder.glob("results/exp/jobs/**/*.clearml.json")
    note.unlink()
    assert tracked.sync()["counts"] == {"sent": 1}
    assert len(clearml.tasks) == 1
    assert set(clearml.events) == set(points)


def test_a_run_is_one_tree(tracked, clearml):
    """The tasks of a run's jobs are children of the run's own task."""
    tracked.environment["SLMRAG_RUN_ID"] = "run-one"
    config = {"experiment": "exp", "tracking": tracked.tracking}
    hooks = f"from slmrag.tracking import workflow_run; config = {config!r}; workflow_run."
    tracked.python("-c", f"{hooks}start(config)")
    tracked.job("complete", name="one")
    tracked.job("complete", name="two")
    said = tracked.python("-c", f"{hooks}finish(config, 'completed')").stderr
    assert "tracking: 1 tasks sent" in said
    run = clearml.task("workflow run-one")
    assert (run["status"], run["type"]) == ("completed", "controller")
    assert [t["parent"] for t in clearml.tasks.values() if t is not run] == [run["id"]] * 2


def test_offline_sessions_import(place):
    """Sessions written without a server import into one by the SDK's own importer."""
    place.tracking |= {"mode": "offline"}
    place.job("complete", name="one")
    place.job("crash", name="two")
    assert place.sync()["counts"] == {"sessions": 2}
    assert place.sync()["counts"] == {"sessions": 0}
    sessions = sorted(place.folder.glob("results/exp/tracking/clearml/*.zip"))
    importer = "import sys; from clearml import Task; "
    importer += "[Task.import_offline_session(name) for name in sys.argv[1:]]"
    conf = place.folder / "clearml.conf"
    conf.write_text("sdk.development.report_use_subprocess: false")
    with ClearmlServer() as server:
        place.environment |= server.environment()
        done = place.python("-c", importer, *map(str, sessions))
        assert done.returncode == 0, done.stderr
        assert len(server.tasks) == 2
        task = server.task(NAME)
        assert server.scalars(task["id"])["Summary", "token_recall"] == [0.5]
        assert "status:failed" in server.task("score_answers tiny/nq/two")["tags"]
        keys = {item["key"] for item in task["execution"]["artifacts"]}
        assert keys == {"experiment_results", "memory_usage"}


def test_a_session_knows_nothing_of_the_repository(place):
    """Neither git nor pip is asked for a session: that is slow, and a remote may hold a token."""
    place.tracking |= {"mode": "offline"}
    place.job("complete", name="one")
    place.sync()
    (session,) = place.folder.glob("results/exp/tracking/clearml/*.zip")
    with zipfile.ZipFile(session) as archive:
        assert not json.loads(archive.read("task.json")).get("script")


def test_kept_events_follow_offline_sessions(place, clearml):
    """A server that appears after an offline run is told of it by a sync."""
    place.job("complete")
    assert place.sync()["counts"] == {"sessions": 1}
    place.environment |= clearml.environment()
    assert place.sync()["counts"] == {"sent": 1}
    assert clearml.task(NAME)["status"] == "completed"


@pytest.mark.parametrize("tracking", [{"mode": "off"}, {"backend": "none"}])
def test_off_is_off(tracked, clearml, tracking):
    """With tracking off nothing is sent, and the job's own events and memory are there."""
    assert tracked.job("complete", tracking=tracking).status == 0
    assert clearml.requests == []
    assert tracked.events()[-1]["status"] == "completed"
    assert tracked.memory()["peak"]["rss_bytes"] > 10e6


def test_without_the_sdk_jobs_run(tracked, clearml):
    """Where clearml cannot be imported a job ends well and its events are kept."""
    (tracked.folder / "clearml.py").write_text("raise ImportError('planted')")
    scripts = tracked.variables()["PYTHONPATH"]
    tracked.environment["PYTHONPATH"] = f"{tracked.folder}:{scripts}"
    assert tracked.job("complete").status == 0
    assert tracked.sync()["counts"] == {"kept": 1}


TROUBLES = {
    "killed": "import os; os.kill(os.getpid(), 9)",
    "its guard killed too": "import os; os.kill(os.getppid(), 9); os.kill(os.getpid(), 9)",
    "hung": "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    "its guard stopped": "import os, time; os.kill(os.getppid(), 19); time.sleep(600)",
    "out of memory": "block = bytearray(3 << 30)",
    "noisy": "import os; os.write(1, b'noise'); os.write(2, b'noise'); raise SystemExit(3)",
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_publishers_end_never_reaches_the_job(tracked, clearml, trouble):
    """A publisher that is killed, hangs or runs out of memory costs no result and little time."""
    deadline, patient = 2, dict(tracked.tracking)
    without = tracked.job("complete", name="off", tracking={"mode": "off"})
    (tracked.folder / "clearml.py").write_text(TROUBLES[trouble])
    path, variables = tracked.folder / "clearml.py", dict(tracked.environment)
    tracked.environment["PYTHONPATH"] = f"{path.parent}:{tracked.variables()['PYTHONPATH']}"
    tracked.tracking |= {"deadline_seconds": deadline, "wait_seconds": deadline}
    outcome = tracked.job("complete")
    assert (outcome.status, outcome.terminal) == (0, "")
    assert outcome.seconds < without.seconds + deadline + NOISE
    assert (tracked.folder / "one.txt").read_bytes() == (tracked.folder / "off.txt").read_bytes()
    assert tracked.events()[-1]["status"] == tracked.memory()["status"] == "completed"
    path.unlink()
    tracked.environment, tracked.tracking = variables, patient
    eventually(lambda: tracked.sync()["counts"] in ({"sent": 2}, {"sent": 0}))
    assert clearml.task(NAME)["status"] == "completed"


@pytest.mark.parametrize("trouble", ["hung", "its guard stopped"])
def test_a_hung_publisher_outlives_no_job_for_long(tracked, clearml, trouble):
    """Where no job waits, a publisher that hangs is gone soon after the deadline; a sync sends all.

    This holds where its guard hangs, too: until they are gone the attempt is in their hands.
    """
    path, variables = tracked.folder / "clearml.py", dict(tracked.environment)
    path.write_text(TROUBLES[trouble])
    tracked.environment["PYTHONPATH"] = f"{path.parent}:{tracked.variables()['PYTHONPATH']}"
    bounds = {"deadline_seconds": 2, "wait_seconds": None}
    assert tracked.job("complete", tracking=tracked.tracking | bounds).status == 0
    eventually(lambda: not publishers(tracked.folder))
    path.unlink()
    tracked.environment = variables
    assert tracked.sync()["counts"] == {"sent": 1}
    assert clearml.task(NAME)["status"] == "completed"


def publishers(folder):
    """Return the publishers of jobs of a folder, guards and workers."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if b"slmrag.tracking.publisher" in words and (process / "cwd").resolve() == folder:
                found.append(process.name)
    return found


def test_large_files_go_by_reference(tracked, clearml):
    """A file above the limit is named by its place, not uploaded."""
    tracked.tracking |= {"upload_mb": 0.000001}
    tracked.job("complete")
    uris = [item["uri"] for item in clearml.task(NAME)["execution"]["artifacts"]]
    assert all(uri.startswith("file:///") for uri in uris)
    assert clearml.files == {}


def eventually(true, seconds=60.0):
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except (ValueError, KeyError):
            pass
        assert time.monotonic() < end
        time.sleep(0.1)
