"""A model that does not fit is refused before an engine takes a minute to say so."""

import pytest
from slmrag.errors import UserError
from slmrag.generation.engines import memory_check

from tests.models.small_checkpoint import H100, T4, checkpoint


def big(folder):
    """Write the headers of a model of 4e9 weights; nobody reads the weights."""
    made = checkpoint(folder, heads=32, keys=8)
    made.__dict__["tensors"] = {"a.weight": {"dtype": "BF16", "shape": [4_000_000_000]}}
    return made


def test_a_model_that_fits_passes(tmp_path):
    """A 4B model in bf16 fits into 80 GiB with a full sequence."""
    memory_check.check_gpu(big(tmp_path), {"max_model_len": 8192}, H100)


def test_weights_that_do_not_fit_say_what_to_change(tmp_path):
    """A model larger than the GPU's share names 8 bits, utilization and more GPUs."""
    half = {"gpu_memory_utilization": 0.5}
    with pytest.raises(UserError, match=r"7\.5 GiB .* 8\.0 GiB .* load_in_8bit"):
        memory_check.check_gpu(big(tmp_path), half, T4)
    memory_check.check_gpu(big(tmp_path), {**half, "quantization": "fp8"}, T4)
    memory_check.check_gpu(big(tmp_path), half, T4, share=2)


def test_a_sequence_that_does_not_fit_says_how_long_it_may_be(tmp_path):
    """A context too long for the cache names the longest that fits."""
    arguments = {"gpu_memory_utilization": 0.6, "max_model_len": 131072}
    with pytest.raises(UserError, match=r"set max_model_len to [0-9]+ or less") as error:
        memory_check.check_gpu(big(tmp_path), arguments, T4)
    fit = int(str(error.value).split("max_model_len to ")[1].split()[0])
    memory_check.check_gpu(big(tmp_path), {**arguments, "max_model_len": fit}, T4)


def test_the_cpus_cache_holds_a_full_sequence(tmp_path):
    """The CPU's cache grows with the context and never below one sequence or 1 GiB."""
    made = checkpoint(tmp_path)
    assert memory_check.cpu_cache_gib(made, 512) == 1
    assert memory_check.cpu_cache_gib(made, 10**6) * 2**30 >= made.kv_bytes(4) * 10**6


def test_a_cpu_without_memory_says_so(tmp_path):
    """Weights in float32 plus cache beyond the free memory are refused."""
    with pytest.raises(UserError, match=r"14\.9 GiB|15\.9 GiB"):
        memory_check.check_cpu(big(tmp_path), 1, 8 * 2**30)
