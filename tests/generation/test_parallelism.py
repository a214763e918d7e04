"""A job's GPUs are shared out by the model's heads and size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.errors import UserError
from slmrag.generation.engines import parallelism, replicas

from tests.models.small_checkpoint import checkpoint


def test_nine_heads_on_two_gpus_are_two_copies(tmp_path):
    """By default every GPU holds a copy; nine heads could not be halved anyway."""
    made = checkpoint(tmp_path)
    assert parallelism.choose_split({"gpus": 2}, made) == (1, 2)
    with pytest.raises(UserError, match=r"does not divide the model's 9 .*data_parallel: 2"):
        parallelism.choose_split({"gpus": 2, "tensor_parallel": 2}, made)


def test_a_model_larger_than_a_gpu_is_split(tmp_path):
    """Weights that need two GPUs are split over two, and four GPUs hold two such copies."""
    made = checkpoint(tmp_path, heads=32, keys=8)
    assert parallelism.choose_split({"gpus": 4}, made, gpus_for_weights=2) == (2, 2)
    assert parallelism.choose_split({"gpus": 4, "tensor_parallel": 4}, made) == (4, 1)
    assert parallelism.choose_split({"gpus": 3}, made, gpus_for_weights=2) == (2, 1)


def test_what_cannot_be_split_is_said(tmp_path):
    """A model that needs two GPUs and has nine heads asks for 8 bits."""
    with pytest.raises(UserError, match="need 2 GPUs and the model's attention heads cannot"):
        parallelism.choose_split({"gpus": 2}, checkpoint(tmp_path), gpus_for_weights=2)


def test_more_gpus_than_there_are_is_an_error(tmp_path):
    """Parallelism beyond the job's GPUs is refused."""
    with pytest.raises(UserError, match="are more than the 2 GPUs"):
        parallelism.choose_split(
            {"gpus": 2, "tensor_parallel": 1, "data_parallel": 3}, checkpoint(tmp_path)
        )


@given(gpus=st.integers(0, 8), heads=st.sampled_from([8, 9, 14, 15, 16, 32]))
def test_a_split_never_takes_more_gpus_than_it_got(tmp_path_factory, gpus, heads):
    """Whatever the heads, copies times GPUs a copy stay within the job's GPUs."""
    made = checkpoint(tmp_path_factory.mktemp("c"), heads=heads, keys=heads)
    parts = parallelism.choose_split({"gpus": gpus}, made)
    assert parts.tensor * parts.replicas <= max(1, gpus)


def test_each_copy_sees_its_own_gpus():
    """The GPUs that the job may see are handed out in order."""
    assert parallelism.devices_of_replicas(["3", "5", "6", "7"], parallelism.Split(2, 2)) == [
        "3,5",
        "6,7",
    ]
    assert parallelism.devices_of_replicas(None, parallelism.Split(1, 2)) == ["0", "1"]


def test_the_slowest_copy_is_what_a_start_takes():
    """Each step of a start counts as long as it took the slowest copy; null stays null."""
    starts = [{"import": 2.0, "capture": None}, {"import": 3.0, "capture": None}]
    assert replicas.slowest_start(starts) == {"import": 3.0, "capture": None}
