"""What a checkpoint folder says of its model, read without torch."""

import json

import pytest
from slmrag.errors import UserError
from slmrag.generation.engines import base
from slmrag.generation.engines import vllm_arguments as vllm_setup

from tests.models.small_checkpoint import CPU, checkpoint, write_tensors


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
def test_a_quantized_checkpoint_has_as_many_parameters(tmp_path, config, shapes):
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
    assert "quantization" not in vllm_setup.engine_arguments(config, CPU)
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


@pytest.mark.parametrize("cut", [1, 500, 2001, 2050])
def test_a_truncated_file_is_named(tmp_path, cut):
    """A safetensors file that is cut anywhere is refused."""
    made = checkpoint(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(UserError, match=r"model\.safetensors is .*download it again"):
        _ = made.parameters


def test_a_missing_shard_is_named(tmp_path):
    """A file that the index of a checkpoint names and the folder lacks is said."""
    made = checkpoint(tmp_path)
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(
        UserError, match=r"00002-of-00002\.safetensors, and it is missing; download"
    ):
        _ = made.tensors
