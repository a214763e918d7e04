"""What a fault of the cluster costs in the middle of generation: one execution, no completion."""

import pytest

from tests.slurm.conftest import CELLS, PROMPTS
from tests.slurm.driver import (
    answers,
    completions,
    executions,
    slurm_job,
    starts,
    through_slurm,
    unfinished,
)
from tests.slurm.processes import output, wait

pytestmark = pytest.mark.slow


def assert_whole(project, executed: int) -> None:
    """Hold that the model was executed so often, each prompt answered once, each file whole."""
    assert executions(project)["generate_answers/parrot"] == executed
    assert len(completions(project)) == PROMPTS
    assert sorted(answers(project)) == [f"parrot/quiz/{cell}.parquet" for cell in CELLS]
    assert unfinished(project) == []
    assert "Nothing to be done" in project.snakemake("-n", "answers").stdout


def test_a_restarted_controller_costs_nothing(cluster, prepared):
    """Jobs live through a restart of slurmctld, and the driver hears of their end."""
    project = prepared(parrot={})
    with through_slurm(project, "answers") as run:
        run.job("parrot")
        cluster.restart_controller()
        run.finish()
    assert_whole(project, executed=1)


def test_a_cancelled_job_goes_on_where_it_was(prepared):
    """A job ended by `scancel` is submitted once more and sends only what is missing."""
    project = prepared(parrot={})
    with through_slurm(project, "answers") as run:
        output("scancel", run.job("parrot")["cluster_job"])
        run.finish()
    assert_whole(project, executed=2)
    assert len({event["cluster_job"] for event in starts(project, "generate_answers")}) == 2


def test_a_preempted_job_is_requeued_and_goes_on(prepared):
    """Slurm itself puts a preempted job back into its queue: the same job, a second execution."""
    project = prepared(parrot={"gpus": 2})
    with through_slurm(project, "answers") as run:
        node = slurm_job(run.job("parrot"))["NodeList"]
        sbatch = ["sbatch", "--partition=urgent", "--gpus=2", f"--nodelist={node}", "-J", "urgent"]
        output(*sbatch, "--output=/dev/null", "--wrap", "sleep 5")
        run.finish()
    assert_whole(project, executed=2)
    jobs = {event["cluster_job"] for event in starts(project, "generate_answers")}
    assert len(jobs) == 1
    assert not output("squeue", "-h", "-n", "urgent")


def test_a_lost_node_costs_one_execution(cluster, prepared):
    """A job whose node lost its power in the middle goes on at the other node."""
    project = prepared(parrot={"gpus": 2})
    with through_slurm(project, "answers") as run:
        lost = slurm_job(run.job("parrot"))["NodeList"]
        cluster.lose_node(lost)
        run.finish()
    assert_whole(project, executed=2)
    assert slurm_job(starts(project, "generate_answers")[-1])["NodeList"] != lost


def test_a_driver_killed_and_started_again_leaves_whole_files(prepared):
    """A second driver's twin of a job that lives on sends some prompts again and harms no file."""
    project = prepared(parrot={"options": {"delay": 4.0}})
    with through_slurm(project, "answers") as run:
        first = run.job("parrot")
        run.kill()
    assert slurm_job(first)["JobState"] == "RUNNING"
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
    before = answers(project)
    project.run("--forcerun", "generate_answers", "--", "answers")
    assert answers(project) == before
