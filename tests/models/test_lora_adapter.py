"""An adapter is whole, and made for the model."""

import pytest
from slmrag.errors import UserError
from slmrag.models import lora_adapter

from tests.models.small_checkpoint import checkpoint, write_tensors


def write_lora(folder, module, a, b, kind="lora"):
    """Write an adapter of one module."""
    name = f"base_model.model.{module}.{kind}"
    shapes = {f"{name}_A.weight": a, f"{name}_B.weight": b}
    write_tensors(folder / "adapter_model.safetensors", shapes)
    (folder / "adapter_config.json").write_text('{"r": 8, "peft_type": "LORA"}')


def test_an_adapter_for_another_model_is_refused(tmp_path):
    """Sizes and names that differ from the model's are named."""
    base = checkpoint(tmp_path / "m", shapes={"model.q_proj.weight": [20, 10]})
    write_lora(tmp_path / "good", "model.q_proj", [8, 10], [20, 8])
    lora_adapter.check_adapter(tmp_path / "good", base)
    write_lora(tmp_path / "wide", "model.q_proj", [8, 12], [20, 8])
    with pytest.raises(UserError, match=r"whose model\.q_proj has size 12; this model's has 10"):
        lora_adapter.check_adapter(tmp_path / "wide", base)
    write_lora(tmp_path / "odd", "model.gate", [8, 10], [20, 8])
    with pytest.raises(UserError, match=r"this one has no model\.gate"):
        lora_adapter.check_adapter(tmp_path / "odd", base)
    (tmp_path / "good/adapter_config.json").write_text('{"peft_type": "IA3"}')
    with pytest.raises(UserError, match="is of type IA3; the engines take only LORA"):
        lora_adapter.check_adapter(tmp_path / "good", base)
    (tmp_path / "good/adapter_config.json").write_text('{"peft_type":')
    with pytest.raises(UserError, match=r"adapter_config\.json is no JSON .*; copy the adapter"):
        lora_adapter.check_adapter(tmp_path / "good", base)
    write_lora(tmp_path / "none", "model.q_proj", [8, 10], [20, 8], "prompt")
    with pytest.raises(UserError, match="holds no LoRA matrices"):
        lora_adapter.check_adapter(tmp_path / "none", base)


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
    lora_adapter.check_adapter(tmp_path / "lora", base)


@pytest.mark.parametrize(("own", "room"), [(1, 1), (4, 8), (12, 16), (300, 320)])
def test_an_adapter_gets_the_next_rank_that_vllm_has_room_for(tmp_path, own, room):
    """The rank is that of the widest matrix, whatever the settings say."""
    write_lora(tmp_path, "q", [own, 10], [20, own])
    assert lora_adapter.vllm_rank(tmp_path) == room


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
