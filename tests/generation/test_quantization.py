"""A wish for fewer bits is met or refused, never passed over."""

import pytest
from slmrag.errors import UserError
from slmrag.generation.engines.quantization import (
    refuse_quantization,
    transformers_arguments,
    vllm_arguments,
)

from tests.models.small_checkpoint import CPU, H100, T4, V100


def never(_):
    """Say that no package is installed."""
    return False


def always(_):
    """Say that every package is installed."""
    return True


@pytest.mark.parametrize("device", [H100, T4])
def test_eight_bits_on_a_gpu_are_online_fp8(device):
    """load_in_8bit resolves to what vLLM does on a GPU."""
    arguments = vllm_arguments({"load_in_8bit": True}, None, device, never)
    assert arguments == {"quantization": "fp8"}


@pytest.mark.parametrize(
    ("entry", "stored", "device", "sentence"),
    [
        ({"load_in_8bit": True}, None, CPU, "CPU build cannot quantize"),
        ({"load_in_8bit": True}, None, V100, r"capability 7\.5, this one has 7\.0"),
        ({"load_in_8bit": True}, "awq", H100, r"quantized already \(awq\)"),
        ({"load_in_8bit": True, "quantization": "fp8"}, None, H100, "exclude each other"),
        ({"quantization": "int8_per_channel_weight_only"}, None, H100, "does nothing to a dense"),
        ({"quantization": "bitsandbytes"}, None, H100, "vllm-bnb-plugin"),
        ({"quantization": "gguf"}, None, H100, "convert the model to safetensors"),
        ({"quantization": "gptq"}, None, H100, "reads weights that are quantized already"),
        ({"quantization": "fp8"}, None, CPU, "CPU build cannot quantize"),
        ({"quantization": "torchao"}, None, H100, "reads weights that are quantized already"),
        ({"quantization": "experts_int8"}, None, H100, "does nothing to a dense"),
        ({"quantization": "fp8"}, "gptq", H100, "is quantized by gptq; write gptq, or remove"),
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


def test_transformers_quantizes_by_bitsandbytes():
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
    with pytest.raises(UserError, match=r"quantized already \(gptq\)"):
        transformers_arguments({"load_in_8bit": True}, "gptq", H100, always)
    with pytest.raises(UserError, match="is quantized by gptq; write gptq"):
        transformers_arguments({"quantization": "awq"}, "gptq", H100, always)
    assert transformers_arguments({"quantization": "gptq"}, "gptq", CPU, never) == {}


def test_engines_without_weights_quantize_nothing():
    """A wish that nobody would fulfil is refused by name."""
    refuse_quantization({}, "echo")
    with pytest.raises(UserError, match="quantization does nothing with engine: echo"):
        refuse_quantization({"quantization": "fp8"}, "echo")
