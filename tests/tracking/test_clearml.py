"""ClearML, by its real SDK against the stand-in."""

import json
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
NAME = "score_answers tiny/nq/one"


def test_a_job_becomes_a_task(tracked, clearml):
    """A job's task has its project, names, tags, type, parameters, points, artifacts and status."""
    assert tracked.tracked_job("complete").status == 0
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
    assert scalars["peak memory GB", "job CPU"][0] > 0.01
    assert scalars["peak memory GB", "model CPU"][0] > 0.01
    artifacts = {item["key"]: item for item in task["execution"]["artifacts"]}
    assert set(artifacts) == {"experiment_results", "memory_usage", "log"}
    assert artifacts["experiment_results"]["content_size"] == len("the same bytes")
    assert b"the same bytes" in clearml.files.values()
    assert "engine: echo" in clearml.lines(task["id"])
    assert clearml.lines(task["id"]).count("working with") == 1


def test_the_model_is_an_input_of_the_task(tracked, clearml):
    """Two jobs with one model register it once, as the input model of both tasks."""
    tracked.run({"main": "complete", "name": "one"}, {"main": "complete", "name": "two"})
    (model,) = clearml.models.values()
    assert (model["name"], model["uri"]) == ("tiny", "hf:org/tiny")
    inputs = [task["models"]["input"] for task in jobs_of(clearml)]
    assert inputs == [[{"name": "tiny", "model": model["id"]}]] * 2


def jobs_of(server):
    """Return the tasks of jobs, without those of runs."""
    return [task for task in server.tasks.values() if task["type"] != "controller"]


def test_names_of_two_letters_are_filled(tracked, clearml):
    """A server refuses names of less than three characters: model, experiment and project."""
    tracked.tracking |= {"project": "lab/x"}
    tracked.run({"main": "complete", "model": "q8"})
    assert clearml.task("score_answers q8/nq/one")["status"] == "completed"
    assert [model["name"] for model in clearml.models.values()] == ["q8_"]
    assert "lab/x__/exp" in {project["name"] for project in clearml.projects.values()}


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
    assert tracked.tracked_job(main).status != 0
    assert clearml.task(NAME)["status"] == status
    assert said in clearml.lines(clearml.task(NAME)["id"])


def test_a_failed_run_has_its_reason(tracked, clearml):
    """The run's own task names the job that failed, and why."""
    tracked.run({"main": "mistake"}, status="failed")
    tracked.sync()  # a failed run is given some seconds only, too few on a busy machine
    (run,) = [task for task in clearml.tasks.values() if task["type"] == "controller"]
    assert run["status"] == "failed"
    why = "file x: line 3 has no question; add one"
    assert run["status_reason"] == f"score_answers/tiny/nq/one: {why}"


def test_points_arrive_while_the_job_runs(tracked, clearml):
    """A task is in progress, with memory points and what it printed, before its job ends."""
    job = {"main": "complete", "params": {"seconds": 20}}
    worker = threading.Thread(target=tracked.run, args=(job,))
    worker.start()
    eventually(lambda: any(task["status"] == "in_progress" for task in jobs_of(clearml)))
    eventually(lambda: ("memory GB/job", "CPU") in clearml.scalars(clearml.task(NAME)["id"]))
    eventually(lambda: "working with" in clearml.lines(clearml.task(NAME)["id"]))
    assert clearml.task(NAME)["status"] == "in_progress"
    worker.join()


def test_the_watchdog_stops_no_task_of_a_living_run(tracked, clearml):
    """With signs of life, the run's own task survives a watchdog of seconds while a job works."""
    clearml.watchdog_seconds = 4.0
    often = "from slmrag.tracking import follow\nfollow.KEEP_ALIVE_SECONDS = 1.0\n"
    (tracked.folder / "sitecustomize.py").write_text(often)
    tracked.environment["PYTHONPATH"] = f"{tracked.folder}:{tracked.variables()['PYTHONPATH']}"
    reasons = []
    job = {"main": "complete", "params": {"seconds": 12}}
    worker = threading.Thread(target=tracked.run, args=(job,))
    worker.start()
    while worker.is_alive():
        clearml.stop_silent_tasks()
        reasons += [task.get("status_reason") for task in clearml.tasks.values()]
        time.sleep(0.2)
    assert {task["status"] for task in clearml.tasks.values()} == {"completed"}
    assert len(clearml.tasks) == 2 and not any(reasons)


NOISE = 15.0
"""Seconds by which a loaded machine may make the same job slower."""
FAULTS = ["refuse", "stall", "slow", "fail", "die", "reject"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_server_costs_no_result(tracked, clearml, fault):
    """Whatever the server does, the output is the same, the time is bounded, and sync repairs."""
    deadline, patient = 3, dict(tracked.tracking)
    without = tracked.job("complete", name="off", tracking={"mode": "off"})
    tracked.tracking |= {"deadline_seconds": deadline, "connect_seconds": 1}
    hurt(tracked, clearml, fault)
    run = tracked.run({"main": "complete"})
    (outcome,) = run.jobs
    assert outcome.status == 0
    assert (tracked.folder / "one.txt").read_bytes() == (tracked.folder / "off.txt").read_bytes()
    assert outcome.seconds < without.seconds + NOISE
    assert run.seconds < deadline + NOISE
    assert tracked.events()[-1]["status"] == "completed"
    heal(tracked, clearml)
    tracked.tracking = patient
    eventually(lambda: tracked.sync()["failure"] is None)
    assert tracked.sync()["counts"] == {"sent": 0}
    assert clearml.task(NAME)["status"] == "completed"
    assert clearml.scalars(clearml.task(NAME)["id"])["loss", "train"][0] == 1
    assert clearml.lines(clearml.task(NAME)["id"]).count("engine: echo") == 1


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


def test_a_store_that_refuses_holds_up_no_end(tracked, clearml):
    """The task ends, the driver says why files are kept, and a sync sends them alone, once."""
    clearml.store_refuses = True
    said = tracked.run({"main": "complete"}).said
    assert "kept for `snakemake -c1 sync_tracking`" in said and "refuse" in said
    task = clearml.task(NAME)
    assert (task["status"], task["execution"]["artifacts"]) == ("completed", [])
    before = dict(clearml.events)
    clearml.store_refuses = False
    assert tracked.sync()["counts"]["sent"] >= 1
    assert {item["key"] for item in task["execution"]["artifacts"]} == {
        "experiment_results",
        "memory_usage",
        "log",
    }
    assert clearml.events == before
    assert tracked.sync()["counts"] == {"sent": 0}


def test_online_tries_the_store_before_the_first_job(tracked, clearml):
    """A store that refuses ends a run that must be tracked, in a sentence with store and cause."""
    clearml.store_refuses = True
    config = {"experiment": "exp", "tracking": {"mode": "online", "deadline_seconds": 60}}
    code = f"from slmrag.tracking import workflow_run; workflow_run.start({config!r})"
    said = tracked.python("-c", code).stderr.splitlines()[-1]
    assert f"artifacts: the store {clearml.url} refuses an upload: " in said
    assert (clearml.tasks, clearml.projects) == ({}, {})


def test_sync_sends_once(tracked, clearml):
    """What was kept is sent once: by a sync, a second one, and two at a time."""
    for name, main in [("one", "complete"), ("two", "crash")]:
        tracked.job(main, name=name)
    both = [threading.Thread(target=tracked.sync) for _ in range(2)]
    [thread.start() for thread in both]
    [thread.join() for thread in both]
    assert tracked.sync()["counts"] == {"sent": 0}
    statuses = sorted((task["name"][-3:], task["status"]) for task in clearml.tasks.values())
    assert statuses == [("one", "completed"), ("two", "failed")]


def test_two_drivers_send_nothing_twice(tracked, clearml):
    """Two runs at a time in one folder: each task, line and model is there once."""
    runs = [[{"main": "complete", "name": f"{run}{n}"} for n in range(3)] for run in "ab"]
    both = [threading.Thread(target=tracked.run, args=jobs) for jobs in runs]
    [thread.start() for thread in both]
    [thread.join() for thread in both]
    assert tracked.sync()["counts"] == {"sent": 0}
    assert len(jobs_of(clearml)) == 6 and len(clearml.tasks) == 8
    assert {task["status"] for task in clearml.tasks.values()} == {"completed"}
    parents = [
        {task["parent"] for task in jobs_of(clearml) if f"/{run}" in task["name"]} for run in "ab"
    ]
    assert [len(parent) for parent in parents] == [1, 1] and parents[0] != parents[1]
    assert all(clearml.lines(t["id"]).count("engine: echo") == 1 for t in jobs_of(clearml))
    assert len(clearml.models) == 1
    paths = [project["name"] for project in clearml.projects.values()]
    assert sorted(paths) == ["slm-experiments", "slm-experiments/exp"]


def test_a_killed_driver_leaves_no_publisher(tracked, clearml):
    """What it left is sent once, by its publisher or by a sync; the run's own task says so."""
    tracked.run({"main": "complete"}, status="vanish")
    eventually(lambda: not publishers(tracked.folder))
    tracked.sync()
    assert tracked.sync()["counts"] == {"sent": 0}
    assert len(clearml.tasks) == 2
    assert clearml.task(NAME)["status"] == "completed"
    (run,) = [task for task in clearml.tasks.values() if task["type"] == "controller"]
    assert run["status"] == "failed" and "SIGKILL" in run["status_reason"]
    assert clearml.lines(clearml.task(NAME)["id"]).count("engine: echo") == 1


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
    tracked.sync()
    points = {key for key in clearml.events if "log" not in key}
    (note,) = tracked.folder.glob("results/exp/jobs/**/*.clearml.json")
    note.unlink()
    assert tracked.sync()["counts"] == {"sent": 1}
    assert len(clearml.tasks) == 1
    assert {key for key in clearml.events if "log" not in key} == points


def test_an_answer_that_was_lost_doubles_no_line(tracked, clearml):
    """A sender killed between a request and its note asks which lines are there already."""
    tracked.job("complete")
    tracked.sync()
    (note,) = tracked.folder.glob("results/exp/jobs/**/*.clearml.json")
    state = json.loads(note.read_text())
    torn = {"task": state["task"], "parent": None, "offset": 0, "reporting": state["offset"]}
    note.write_text(json.dumps(torn))
    before = len(clearml.events)
    assert tracked.sync()["counts"] == {"sent": 1}
    assert len(clearml.events) == before


def test_a_run_is_one_tree(tracked, clearml):
    """The tasks of a run's jobs are children of the run's own task, and all are counted."""
    run = tracked.run({"main": "complete", "name": "one"}, {"main": "complete", "name": "two"})
    assert "tracking: 3 tasks sent" in run.said
    (whole,) = [task for task in clearml.tasks.values() if task["type"] == "controller"]
    assert whole["status"] == "completed"
    assert whole["tags"] == ["experiment:exp", "rule:workflow"]
    assert [task["parent"] for task in jobs_of(clearml)] == [whole["id"]] * 2


def test_offline_keeps_all_for_a_sync(tracked, clearml):
    """With mode offline nothing is sent by a run, and the driver says so."""
    tracked.tracking |= {"mode": "offline"}
    said = tracked.run({"main": "complete"}).said
    assert "tracking: 2 tasks kept for `snakemake -c1 sync_tracking`; tracking.mode is off" in said
    assert clearml.requests == []
    assert tracked.sync(mode="auto")["counts"] == {"sent": 2}
    assert clearml.task(NAME)["status"] == "completed"


@pytest.mark.parametrize("tracking", [{"mode": "off"}, {"backend": "none"}])
def test_off_is_off(tracked, clearml, tracking):
    """With tracking off nothing is sent, and the job's own events and memory are there."""
    tracked.tracking = tracking
    assert tracked.tracked_job("complete").status == 0
    assert clearml.requests == []
    assert tracked.events()[-1]["status"] == "completed"
    assert tracked.memory()["peak"]["rss_bytes"] > 10e6


def test_without_the_sdk_jobs_run(tracked, clearml):
    """Where clearml cannot be imported a job ends well and its events are kept."""
    (tracked.folder / "clearml.py").write_text("raise ImportError('planted')")
    scripts = tracked.variables()["PYTHONPATH"]
    tracked.environment["PYTHONPATH"] = f"{tracked.folder}:{scripts}"
    assert tracked.tracked_job("complete").status == 0
    assert tracked.sync()["counts"] == {"kept": 2}


TROUBLES = {
    "killed": "import os; os.kill(os.getpid(), 9)",
    "its guard killed too": "import os; os.killpg(0, 9)",
    "hung": "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    "its guard stopped": "import os, time; os.kill(os.getppid(), 19); time.sleep(600)",
    "out of memory": "block = bytearray(3 << 30)",
    "noisy": "import os; os.write(1, b'noise'); os.write(2, b'noise'); raise SystemExit(3)",
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_publishers_end_never_reaches_a_job(tracked, clearml, trouble):
    """A publisher that is killed, hangs or runs out of memory costs no result and little time.

    No process of it is left, even where its guard hangs, and a sync sends all.
    """
    deadline, patient = 2, dict(tracked.tracking)
    without = tracked.job("complete", name="off", tracking={"mode": "off"})
    path, variables = tracked.folder / "clearml.py", dict(tracked.environment)
    path.write_text(TROUBLES[trouble])
    tracked.environment["PYTHONPATH"] = f"{path.parent}:{tracked.variables()['PYTHONPATH']}"
    tracked.tracking |= {"deadline_seconds": deadline}
    run = tracked.run({"main": "complete"})
    assert (run.jobs[0].status, run.jobs[0].terminal) == (0, "")
    assert run.jobs[0].seconds < without.seconds + NOISE
    assert run.seconds < 2 * deadline + NOISE
    assert (tracked.folder / "one.txt").read_bytes() == (tracked.folder / "off.txt").read_bytes()
    assert tracked.events()[-1]["status"] == tracked.memory()["status"] == "completed"
    eventually(lambda: not publishers(tracked.folder))
    path.unlink()
    tracked.environment, tracked.tracking = variables, patient
    assert tracked.sync()["counts"] == {"sent": 3}
    assert clearml.task(NAME)["status"] == "completed"


def publishers(folder):
    """Return the publishers that work in a folder, guards and workers."""
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
    tracked.tracked_job("complete")
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
