"""Several models at once on this machine's GPUs (named, not had), never more than are given."""

import pytest

from tests.slurm.driver import executions, starts
from tests.workflow import gpus

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on a machine that shows two GPUs, with cores for more jobs than that."""
    project = gpus.make_gpu_project(tmp_path_factory.mktemp("gpus") / "project")
    given = ["--cores", "8", "--resources", "gpu=2", "--set-threads", "generate_answers=1"]
    project.snakemake(*given, env={"CUDA_VISIBLE_DEVICES": "4,5"})
    return gpus.on_gpus(starts(project, ""))


def test_each_job_sees_the_gpus_that_it_asked_for(run):
    """A job sees as many devices as it asked for, of those that snakemake may see."""
    for event in run:
        assert len(event["devices"].split(",")) == event["resources"]["gpu"]
        assert set(event["devices"].split(",")) <= {"4", "5"}


def test_no_gpu_is_given_to_two_jobs_at_once(run):
    """At no time do two jobs hold the same device."""
    assert gpus.shared(run, lambda event: "here") == []


def test_both_gpus_are_used_and_no_more(run):
    """Two models of one GPU run at once, one of two alone: two GPUs are the peak."""
    models = [event for event in run if event["rule"] == "generate_answers"]
    assert gpus.peak(models) == gpus.peak(run) == 2


def test_without_a_number_of_gpus_jobs_wait_for_a_device(tmp_path):
    """Where `--resources gpu=` is not said, more jobs than GPUs start, and wait for a free one."""
    project = gpus.make_gpu_project(tmp_path / "project")
    project.snakemake(
        *["--cores", "8", "--set-threads", "generate_answers=1", "--", "answers"],
        env={"CUDA_VISIBLE_DEVICES": "4,5"},
    )
    busy = gpus.on_gpus(starts(project, ""))
    assert gpus.shared(busy, lambda event: "here") == []
    assert gpus.peak(busy) == 2
    assert set(executions(project).values()) == {1}
