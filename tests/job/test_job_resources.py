"""A script learns what its job was given, and no rerun comes of it."""

from types import SimpleNamespace

import pytest
from slmrag.job.run import add_job_resources


def job(params, **resources):
    """Return a job as Snakemake describes it."""
    return SimpleNamespace(params=SimpleNamespace(**params), resources=resources, threads=3)


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine that shows two GPUs."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")


def test_a_job_learns_its_hardware():
    """GPUs, threads and memory stand beside the entry's own keys."""
    one = job({"hardware": {"batch_size": 8}}, gpu=2, mem_mb=4000)
    add_job_resources(one)
    given = {"gpus": 2, "gpus_asked": 0, "gpus_shown": 2, "threads": 3, "mem_mb": 4000}
    assert one.params.hardware == {"batch_size": 8} | given


@pytest.mark.parametrize(
    ("entry", "asked", "shown"), [({"gpus": 2}, 2, 0), ({"gpus": 0}, 0, 0), ({}, 0, 2)]
)
def test_a_job_learns_what_its_entry_asked_for(entry, asked, shown):
    """A GPU that comes by default is told apart from one that the entry names, or will not have."""
    one = job({"hardware": dict(entry)}, gpu=1)
    add_job_resources(one)
    names = ("gpus", "gpus_asked", "gpus_shown")
    assert [one.params.hardware[name] for name in names] == [1, asked, shown]


def test_a_job_without_gpus_has_none():
    """A rule that asks for no GPU is given 0."""
    one = job({"hardware": {}})
    add_job_resources(one)
    wanted = {"gpus": 0, "gpus_asked": 0, "gpus_shown": 2, "threads": 3}
    assert one.params.hardware == wanted


def test_other_rules_get_no_hardware():
    """A rule without the param gets none."""
    one = job({"entry": {}}, mem_mb=1)
    add_job_resources(one)
    assert not hasattr(one.params, "hardware")
