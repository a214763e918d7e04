"""Several models at once on the GPUs of two nodes, one over two GPUs, an encoding in shards."""

from functools import cache

import pytest

from tests.slurm.driver import executions, slurm_job, starts, through_slurm
from tests.workflow import gpus

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(slurm, tmp_path_factory):
    """The executions of a whole run, with the job that Slurm knows for each."""
    if not slurm.whole():
        slurm.start()
    project = gpus.make_gpu_project(tmp_path_factory.mktemp("gpus") / "project")
    with through_slurm(project) as driver:
        driver.finish()
    return project


@pytest.fixture(scope="module")
def job():
    """Return a function that asks Slurm for the job of an execution."""
    return cache_by_id(slurm_job)


def cache_by_id(ask):
    """Return a function that asks once for each job."""
    known = cache(lambda number: ask({"cluster_job": number}))
    return lambda event: known(event["cluster_job"])


def test_each_job_runs_once(run):
    """No GPU job is executed twice, and each shard of the encoding is a job of its own."""
    counts = executions(run)
    assert set(counts.values()) == {1}
    assert sum(name.startswith("encode_passages/") for name in counts) == gpus.SHARDS


def test_each_job_sees_the_gpus_that_it_asked_for(run):
    """A job sees as many devices as it asked for."""
    for event in gpus.on_gpus(starts(run, "")):
        assert len(event["devices"].split(",")) == event["resources"]["gpu"]


def test_a_model_over_two_gpus_has_them_on_one_node(run, job):
    """Two GPUs of a job are never spread over two nodes."""
    (pair,) = starts(run, f"generate_answers/{gpus.PAIR}")
    assert job(pair)["NodeList"] in ("n1", "n2")
    assert pair["devices"] == "0,1"


def test_no_gpu_is_given_to_two_jobs_at_once(run, job):
    """At no time do two jobs hold the same device of a node."""
    busy = gpus.on_gpus(starts(run, ""))
    assert gpus.shared(busy, lambda event: job(event)["NodeList"]) == []


def test_the_models_use_all_four_gpus_and_no_more(run):
    """Six GPUs are asked for at once by five models; whichever start first, four are the peak."""
    assert gpus.peak(gpus.on_gpus(starts(run, "generate_answers"))) == 4
    assert gpus.peak(gpus.on_gpus(starts(run, ""))) <= 4


def test_gpu_jobs_and_only_those_are_in_their_partition(run, job):
    """What asks for a GPU is in partition `gpu`, all other jobs in `main`."""
    for event in starts(run, ""):
        if event.get("cluster_job"):
            wanted = "gpu" if event["resources"].get("gpu") else "main"
            assert job(event)["Partition"] == wanted, event["rule"]
