"""The workflow through a real Slurm: what runs how often, and what a fault costs."""

import os
import sys
from pathlib import Path

import pytest

from tests.slurm.cluster import output, wait
from tests.slurm.driver import PROFILE, completions, executions, starts, through_slurm
from tests.workflow.project import Project, make_project

pytestmark = pytest.mark.slow
CELLS = ["no_context", "oracle_context", "retriever_context"]
PROMPTS = 15
ECHO = {"engine": "echo", "options": {"delay": 0.7}, "mem_mb": 1500}


def answers(project: Project, model: str) -> list[bytes]:
    """Return the bytes of a model's answer tables."""
    folder = project.folder / "results/tiny/answers" / model / "quiz"
    return [(folder / f"{cell}.parquet").read_bytes() for cell in CELLS]


def unfinished(project: Project) -> list[str]:
    """Return the files that a cut-off job left under a temporary name."""
    return [str(path) for path in project.folder.glob("re*/**/.*.part")]


# A whole run: `parrot` on a GPU, `fat` short of memory, `late` short of time.


def test_each_job_runs_once_and_what_is_cut_off_again(finished):
    """Every rule's job is executed once; one short of memory twice; one short of time again."""
    counts = executions(finished.project)
    assert len(counts) == 2 + 3 + 1 + 1 + 3 + 3 + 3 + 1  # downloads, tables … report
    assert counts.pop("generate_answers/fat") == 2
    assert counts.pop("generate_answers/late") in (2, 3)  # by how long the machine takes to start
    assert set(counts.values()) == {1}


def test_downloads_stay_here_and_the_rest_goes_to_the_cluster(finished):
    """Local rules have no job of Slurm's, all others have one of their own."""
    jobs = [event for event in starts(finished.project, "") if event["rule"] != "workflow"]
    rules = {event["rule"] for event in jobs if not event["cluster_job"]}
    assert rules == {"download_object"}
    ids = [event["cluster_job"] for event in jobs if event["cluster_job"]]
    assert len(ids) == len(set(ids))


def test_a_gpu_is_asked_for_and_seen(finished):
    """A model with `gpus: 1` runs in partition gpu with one GPU asked for and one visible."""
    assert "Partition=gpu" in finished.seen["asked"]
    assert "gres:gpu:1" in finished.seen["asked"]
    assert finished.seen["devices"] in ("0", "1")


def test_a_job_killed_for_memory_comes_back_with_more(finished):
    """The second attempt asks for twice the memory of the first and ends well."""
    asked = [event["resources"]["mem_mb"] for event in finished.starts("fat")]
    assert asked == [250, 500]


def test_a_time_limit_costs_only_what_was_not_done(finished):
    """No prompt is sent twice although a job ran into its limit: the journal has each once."""
    assert len(completions(finished.project)) == 3 * PROMPTS


def test_nothing_is_left_half_made(finished):
    """No temporary file is left, and a second run says that there is nothing to be done."""
    assert unfinished(finished.project) == []
    done = finished.project.snakemake("-n")
    assert "Nothing to be done" in done.stdout + done.stderr


# Faults in the middle of generation, in a folder where all that it needs is made.


@pytest.fixture
def prepared(cluster, tmp_path):
    """Return a function that makes a project with its prompts built and one or more models."""

    def make(**models) -> Project:
        named = {name: ECHO | entry for name, entry in models.items()}
        project = make_project(tmp_path / "project", models={"parrot": None, **named})
        project.run(*(f"results/tiny/prompts/quiz/{cell}.parquet" for cell in CELLS))
        return project

    return make


@pytest.mark.skipif(
    "SLURM_FAULTS" not in os.environ,
    reason="a lost node and preemption depend on Slurm's timing; set SLURM_FAULTS=1 to run them",
)
def test_faults_of_the_cluster_cost_no_completion(cluster, prepared):
    """A controller restart, scancel, preemption and a lost node: each prompt is sent once."""
    project = prepared(
        cancelled={"temperature": 0.1},
        lost={"temperature": 0.2, "gpus": 2},
        preempted={"temperature": 0.3, "gpus": 2},
    )
    with through_slurm(project, "answers") as run:
        jobs = {name: run.job(name) for name in ("lost", "preempted", "cancelled")}
        cluster.restart_controller()
        output("scancel", jobs["cancelled"]["cluster_job"])
        preempted, lost = run.node("preempted"), run.node("lost")
        assert preempted != lost
        sbatch = ["sbatch", "--partition=urgent", "--gpus=2", f"--nodelist={preempted}", "-J", "u"]
        output(*sbatch, "--output=/dev/null", "--wrap", "sleep 5")
        wait(lambda: output("squeue", "-h", "-n", "u", "-o", "%t").strip() == "R", "no preemption")
        cluster.lose_node(lost)
        cluster.return_node(lost)
        run.finish()
    counts = executions(project)
    assert counts["generate_answers/lost"] == counts["generate_answers/preempted"] == 2
    assert counts["generate_answers/cancelled"] in (2, 3)  # it may stand on the lost node
    assert len(completions(project)) == 3 * PROMPTS
    assert unfinished(project) == []


def test_a_driver_killed_and_started_again_leaves_whole_files(prepared):
    """A second driver's twin of a job that lives on sends some prompts again and harms no file."""
    project = prepared(parrot={})
    with through_slurm(project, "answers") as run:
        first = run.job("parrot")
        run.kill()
    assert "R" in output("squeue", "-h", "-o", "%t", "-j", first["cluster_job"])
    refused = project.snakemake("--cores", "1", "answers", check=False)
    assert "Directory cannot be locked" in refused.stderr
    project.snakemake("--unlock")
    with through_slurm(project, "answers") as run:
        run.finish()
    wait(lambda: not output("squeue", "-h"), "the first job did not end")
    assert executions(project)["generate_answers/parrot"] == 2
    assert PROMPTS <= len(completions(project)) < 2 * PROMPTS
    assert len({line["digest"] for line in completions(project)}) == PROMPTS
    assert unfinished(project) == []
    before = answers(project, "parrot")
    project.run("--forcerun", "generate_answers", "--", "answers")
    assert answers(project, "parrot") == before


# What a cluster refuses.


def test_a_partition_that_is_not_there_is_named(prepared):
    """A wrong partition ends the run at its first job, in Slurm's words."""
    project = prepared(parrot={})
    with through_slurm(
        project, "answers", "--set-resources", "generate_answers:slurm_partition=nowhere"
    ) as run:
        assert run.process.wait(120) != 0
    assert "invalid partition" in run.log.lower()


def test_more_gpus_than_any_node_has_are_refused(prepared):
    """A model that no node can hold ends the run in Slurm's words, not in an endless queue."""
    project = prepared(parrot={"gpus": 64})
    with through_slurm(project, "answers") as run:
        assert run.process.wait(120) != 0
    assert "not available" in run.log


def test_without_slurm_the_run_says_so(tmp_path):
    """Where `sbatch` is not installed the error names it, and nothing is run."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in Path("/usr/bin").iterdir():
        if tool.name not in ("sbatch", "squeue", "scancel", "sacct", "sinfo"):
            (tools / tool.name).symlink_to(tool)
    project = make_project(tmp_path / "project", models={"parrot": ECHO})
    path = f"{os.path.dirname(sys.executable)}:{tools}"
    args = ["--profile", PROFILE, "--", "resources/datasets/quiz/questions.parquet"]
    done = project.snakemake(*args, check=False, env={"PATH": path})
    assert done.returncode != 0
    assert "needs sbatch, squeue, scancel, not found on this machine" in done.stderr
    assert not (project.folder / "resources/raw").exists()
