"""How many tokens a model reads: what vLLM derives from the same config.json."""

import json

import pytest
from slmrag.models.checkpoint import Checkpoint

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "max_position_embeddings": 4096,
}
PHI = LLAMA | {"model_type": "phi3", "architectures": ["Phi3ForCausalLM"], "pad_token_id": 0}
LONG = {"long_factor": [1.0] * 16, "short_factor": [1.0] * 16}
CONFIGS = {
    "llama": LLAMA,
    "gpt2": {"model_type": "gpt2", "n_positions": 1024, "n_ctx": 2048},
    "bloom": {"model_type": "bloom", "seq_length": 2048},
    "mpt": {"model_type": "mpt", "max_seq_len": 512},
    "opt": {"model_type": "opt", "max_position_embeddings": 2048},
    "gptj": {"model_type": "gptj", "n_positions": 2048},
    "the least": LLAMA | {"seq_length": 1024, "max_sequence_length": 3000},
    "the last word": LLAMA | {"model_type": "cohere", "model_max_length": 131072},
    "null": LLAMA | {"rope_scaling": None, "max_seq_len": None},
    "linear": LLAMA | {"rope_scaling": {"type": "linear", "factor": 4.0}},
    "dynamic": LLAMA | {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}},
    "llama3": LLAMA
    | {
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 1024,
        }
    },
    "yarn": LLAMA
    | {
        "rope_scaling": {
            "rope_type": "yarn",
            "factor": 4.0,
            "original_max_position_embeddings": 1024,
        }
    },
    "parameters": LLAMA
    | {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}},
    "longrope": PHI
    | {"original_max_position_embeddings": 1024, "rope_scaling": {"type": "longrope", **LONG}},
    "window": LLAMA | {"model_type": "mistral", "sliding_window": 1024},
}


def vllms(folder):
    """Return the length that vLLM derives for a folder's model."""
    from vllm.config.model import _get_and_verify_max_len
    from vllm.transformers_utils.config import get_config, get_hf_text_config
    from vllm.transformers_utils.model_arch_config_convertor import ModelArchConfigConvertorBase

    config = get_config(str(folder), False)
    text = get_hf_text_config(config)
    arch = ModelArchConfigConvertorBase(config, text).convert()
    return _get_and_verify_max_len(text, arch, None, None, False, None)


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_a_context_is_what_vllm_derives(tmp_path, name):
    """Names, scaling and their order of rank are vLLM's."""
    pytest.importorskip("vllm")
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS[name]))
    assert Checkpoint(tmp_path).context == vllms(tmp_path)


def test_a_longer_context_may_be_asked_for(tmp_path):
    """A model that was stretched is used at its first length, up to the stretched one."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS["longrope"]))
    assert Checkpoint(tmp_path).positions == (1024, 4096)
