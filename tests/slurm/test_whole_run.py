"""A whole run through a real Slurm: what runs how often, where, and with what."""

import pytest

from tests.slurm.conftest import PROMPTS
from tests.slurm.driver import completions, executions, slurm_job, starts, unfinished

pytestmark = pytest.mark.slow


def test_each_job_runs_once_and_what_is_cut_off_again(finished):
    """Every rule's job is executed once; those short of memory or of time twice."""
    counts = executions(finished.project)
    assert len(counts) == 2 + 3 + 1 + 1 + 3 + 3 + 3 + 1  # downloads, tables … report
    twice = {"generate_answers/fat", "generate_answers/late"}
    assert counts == dict.fromkeys(counts, 1) | dict.fromkeys(twice, 2)


def test_downloads_stay_here_and_the_rest_goes_to_the_cluster(finished):
    """Local rules have no job of Slurm's, all others have one of their own."""
    jobs = [event for event in starts(finished.project, "") if event["rule"] != "workflow"]
    rules = {event["rule"] for event in jobs if not event["cluster_job"]}
    assert rules == {"download_object"}
    ids = [event["cluster_job"] for event in jobs if event["cluster_job"]]
    assert len(ids) == len(set(ids))


def test_only_what_needs_a_gpu_is_in_the_partition_with_gpus(finished):
    """The model with `gpus: 1` asks for one GPU in `gpu` and sees one; all others are in `main`."""
    jobs = [event for event in starts(finished.project, "") if event.get("cluster_job")]
    asked = {(e["rule"], *e["wildcards"].values()): slurm_job(e) for e in jobs}
    on_gpu = {name for name, job in asked.items() if job["Partition"] == "gpu"}
    assert on_gpu == {("generate_answers", "parrot")}
    assert {job["Partition"] for job in asked.values()} == {"gpu", "main"}
    assert asked["generate_answers", "parrot"]["TresPerJob"] == "gres:gpu:1"
    assert finished.seen["devices"] in ("0", "1")


@pytest.mark.parametrize(("rule", "threads"), [("build_prompts", 4), ("generate_answers", 8)])
def test_a_rule_gets_its_threads_from_a_driver_of_two_cores(finished, rule, threads):
    """Slurm is asked for what the rule says: no profile sets `cores`, which would cut it to 2."""
    jobs = [slurm_job(event) for event in starts(finished.project, rule)]
    assert {job["NumCPUs"] for job in jobs} == {str(threads)}


def test_a_job_killed_for_memory_comes_back_with_more(finished):
    """The second attempt asks for twice the memory of the first and ends well."""
    asked = [event["resources"]["mem_mb"] for event in finished.starts("fat")]
    assert asked == [250, 500]


def test_a_job_that_ran_out_of_time_comes_back_with_more(finished):
    """The first attempt ends as TIMEOUT after its minute; the second has two and ends well."""
    jobs = [slurm_job(event) for event in finished.starts("late")]
    assert [job["JobState"] for job in jobs] == ["TIMEOUT", "COMPLETED"]
    assert [job["TimeLimit"] for job in jobs] == ["00:01:00", "00:02:00"]


def test_a_time_limit_costs_only_what_was_not_done(finished):
    """No prompt is sent twice although a job ran into its limit: the journal has each once."""
    assert len(completions(finished.project)) == 3 * PROMPTS


def test_nothing_is_left_half_made(finished):
    """No temporary file is left, and a second run says that there is nothing to be done."""
    assert unfinished(finished.project) == []
    done = finished.project.snakemake("-n")
    assert "Nothing to be done" in done.stdout + done.stderr
