"""An engine's error comes with what to change."""

import pytest
from slmrag.generation.engines.error_advice import advice_on


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (RuntimeError("size mismatch for model.embed"), "do not fit its config"),
        (ImportError("Loading GPTQ requires optimum (`pip install optimum`)"), "lacks a package"),
        (ValueError("vLLM does not yet support DoRA."), "merge it into the model"),
        (ImportError("libcuda.so.1: cannot open shared object file"), "there is no GPU where"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "lower max_num_seqs"),
        (ValueError("No available memory for the cache blocks."), "raise gpu_memory_utilization"),
        (ValueError("Free memory on device cuda:0 (1/80 GiB) on startup"), "another process"),
        (TypeError("EngineArgs.__init__() got an unexpected keyword argument 'x'"), "argument 'x'"),
        (RuntimeError("Unsupported CPU attention configuration: head_dim=16 isa"), "16 numbers"),
        (RuntimeError("Engine core initialization failed. See root cause"), "own process ended"),
    ],
)
def test_an_engines_error_comes_with_advice(error, advice):
    """What is known to go wrong says what to change, and that nothing finished is lost."""
    found = advice_on(error)
    assert advice in str(found)
    assert "what was finished is kept" in str(found)


def test_the_cause_behind_an_error_counts():
    """Advice is found for the error that another one wraps."""
    wrapped = RuntimeError("failed")
    wrapped.__cause__ = MemoryError("std::bad_alloc")
    assert "ran out of memory" in str(advice_on(wrapped))


def test_an_unknown_error_stays_what_it_is():
    """An error without known advice is not dressed up."""
    assert advice_on(RuntimeError("something new")) is None
