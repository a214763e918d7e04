"""A script learns what its job was given, and no rerun comes of it."""

from types import SimpleNamespace

import pytest
from slmrag.allotment import allot


def job(params, **resources):
    """Return a job as Snakemake describes it."""
    return SimpleNamespace(params=SimpleNamespace(**params), resources=resources, threads=3)


def test_a_job_learns_its_hardware():
    """GPUs, threads and memory stand beside the entry's own keys."""
    one = job({"hardware": {"batch_size": 8}}, gpu=2, mem_mb=4000)
    allot(one)
    expected = {"batch_size": 8, "gpus": 2, "gpus_asked": 0, "threads": 3, "mem_mb": 4000}
    assert one.params.hardware == expected


@pytest.mark.parametrize(("entry", "asked"), [({"gpus": 2}, 2), ({"gpus": 0}, 0), ({}, 0)])
def test_a_job_learns_what_its_entry_asked_for(entry, asked):
    """A GPU that comes by default is told apart from one that the entry names."""
    one = job({"hardware": dict(entry)}, gpu=1)
    allot(one)
    assert (one.params.hardware["gpus"], one.params.hardware["gpus_asked"]) == (1, asked)


def test_a_job_without_gpus_has_none():
    """A rule that asks for no GPU is given 0."""
    one = job({"hardware": {}})
    allot(one)
    assert one.params.hardware == {"gpus": 0, "gpus_asked": 0, "threads": 3}


def test_other_rules_get_no_hardware():
    """A rule without the param gets none."""
    one = job({"entry": {}}, mem_mb=1)
    allot(one)
    assert not hasattr(one.params, "hardware")
