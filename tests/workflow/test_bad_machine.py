"""What the machine can do to a run: a clear message, and nothing lost."""

import os
import shutil
import subprocess
import time

import pytest

from tests.slurm.driver import completions, executions, unfinished
from tests.slurm.processes import wait
from tests.workflow.project import ROOT, make_project

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path):
    """A project with its results on a disk of their own, and a function that mounts it."""
    project = make_project(tmp_path / "project")
    results = project.folder / "results"
    results.mkdir()

    def mount(options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(results)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")

    yield project, mount
    subprocess.run(["umount", "--quiet", "--lazy", str(results)])


def test_a_full_disk_costs_only_what_did_not_fit(disk):
    """A job that finds the disk full says what to do; with a larger disk the run ends."""
    project, mount = disk
    mount("size=150k")
    done = project.run(check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode != 0
    assert any("No space left on device" in e and "free some space" in e for e in errors), (
        done.stderr
    )
    assert unfinished(project) == []
    asked = len(completions(project))
    mount("remount,size=50m")
    project.run()
    assert "Nothing to be done" in project.snakemake("-n").stdout
    assert len(completions(project)) == 15
    assert asked in (0, 15)


def test_a_read_only_disk_stops_the_run_before_its_first_job(disk):
    """A run that could not write its results says so and starts nothing."""
    project, mount = disk
    mount("size=1m,ro")
    done = project.run(check=False)
    assert done.returncode != 0
    assert "results/tiny cannot be written: Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.folder / "resources").exists()


@pytest.mark.parametrize("words", [["-n"], ["--summary"], ["-c1", "journal"]])
def test_a_plan_in_a_read_only_folder_is_refused_in_a_sentence(tmp_path, words):
    """Snakemake needs its own folder even to plan: the sentence says so, and what to do."""
    project = make_project(tmp_path / "project")
    powers = "-dac_override,-dac_read_search,-fowner"
    mortal = ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"]
    command = [*(mortal if os.geteuid() == 0 else []), *project.command(*words)]
    project.folder.chmod(0o555)
    try:
        done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True)
    finally:
        project.folder.chmod(0o755)
    assert done.returncode != 0
    assert "project cannot be written, and Snakemake keeps notes" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert sorted(path.name for path in project.folder.iterdir()) == ["config.yaml", "data"]


def test_files_from_the_future_are_named_and_cost_no_completion(tmp_path):
    """Prompts of a clock that was a day ahead: the run says which file is newer than its answers.

    Once the files have the time of the right clock it goes on, and the journal has all answers.
    """
    project = make_project(tmp_path / "project")
    cells = ("no_context", "oracle_context", "retriever_context")
    prompts = [f"results/tiny/prompts/quiz/{cell}.parquet" for cell in cells]
    project.run(*prompts)
    for path in prompts:
        os.utime(project.folder / path, (time.time() + 86_400,) * 2)
    done = project.run("--", "answers", check=False)
    assert done.returncode != 0
    assert "clock skew problem" in done.stderr
    assert len(completions(project)) == 15
    for path in prompts:
        os.utime(project.folder / path)
    project.run()
    assert len(completions(project)) == 15
    assert executions(project)["build_prompts/quiz/no_context"] == 1
    assert "Nothing to be done" in project.snakemake("-n").stdout


def test_a_clock_that_jumps_back_within_a_job_costs_nothing(tmp_path):
    """Each process of a run loses a day after a second, and the run ends as ever."""
    (tmp_path / "sitecustomize.py").write_text(JUMP)
    models = {"parrot": {"options": {"delay": 0.1}}}
    project = make_project(tmp_path / "project", models=models)
    project.run(env={"PYTHONPATH": str(tmp_path)})
    assert set(executions(project).values()) == {1}
    assert len(completions(project)) == 15
    assert "Nothing to be done" in project.snakemake("-n").stdout


JUMP = """\
import time
real, begun = time.time, time.monotonic()
time.time = lambda: real() - 86_400 * (time.monotonic() > begun + 1)
"""


def test_a_second_driver_in_the_folder_is_refused(tmp_path):
    """The second says that the folder is locked and makes nothing; the first ends as ever."""
    slow = {"parrot": {"options": {"delay": 1.0}}}
    project = make_project(tmp_path / "project", models=slow)
    with open(tmp_path / "first.log", "w") as said:
        first = subprocess.Popen(
            project.command("--cores", "2"), cwd=project.folder, stdout=said, stderr=said
        )
    wait(lambda: completions(project) or first.poll() is not None, "no answer")
    second = project.run(check=False)
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stderr
    assert first.wait(300) == 0, (tmp_path / "first.log").read_text()
    assert set(executions(project).values()) == {1}
    assert "Nothing to be done" in project.snakemake("-n").stdout


PROFILES = [
    ("slurm-status-command:", "slurm-status-comand:", "--slurm-status-comand"),
    ("retries: 2", "retries: two", "--retries"),
    ("retries: 2", "retries 2", "Couldn't parse config file"),
    (
        "retries: 2",
        "set-resources: {generate_answer: {mem_mb: 1}}",
        "no rule is called 'generate_answer'; did you mean 'generate_answers'",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "said"), PROFILES)
def test_a_typo_in_a_profile_is_named(tmp_path, right, wrong, said):
    """A key, a value, a rule that a profile misspells: the message names it, and nothing is run."""
    project = make_project(tmp_path / "project")
    profile = shutil.copytree(ROOT / "profiles/slurm", tmp_path / "cluster")
    text = (profile / "config.yaml").read_text()
    (profile / "config.yaml").write_text(text.replace(right, wrong))
    done = project.snakemake("--profile", str(profile), "-n", check=False)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    assert not (project.folder / "results").exists()


def test_a_typo_in_the_partitions_is_named(tmp_path):
    """A key that no partition has is named by Slurm's plugin, and nothing is run."""
    project = make_project(tmp_path / "project")
    profile = shutil.copytree(ROOT / "profiles/slurm", tmp_path / "cluster")
    (profile / "partitions.yaml").write_text("partitions: {gpu: {max_gpus: 8}}")
    done = project.snakemake("--profile", str(profile), "--jobs", "1", check=False)
    assert done.returncode != 0
    assert "unexpected keyword argument 'max_gpus'" in done.stdout + done.stderr
    assert not (project.folder / "results").exists()


def test_a_profile_that_is_not_there_is_named(tmp_path):
    """A misspelt profile ends in a line with its name."""
    done = make_project(tmp_path / "project").snakemake("--profile", "slrum", "-n", check=False)
    assert done.returncode != 0
    assert "slrum" in done.stderr
