"""A checkpoint on a device by Transformers: all its weights, its quantization, its adapter."""

from typing import Any

from slmrag.errors import UserError
from slmrag.generation.engines import base
from slmrag.generation.engines.quantization import Device, transformers_arguments
from slmrag.models.checkpoint import Checkpoint
from slmrag.models.checkpoint_files import PICKLE_NAME, SAFETENSORS_NAME

WEIGHT_FILES = [
    name + end for name in (SAFETENSORS_NAME, PICKLE_NAME) for end in ("", ".index.json")
]


def load_model(config: base.EngineConfig, device: str) -> Any:
    """Return the model; UserError where weights are missing or the quantization cannot be had."""
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    checkpoint = Checkpoint(config.folder)
    if not any((checkpoint.path / name).is_file() for name in WEIGHT_FILES):
        raise UserError(
            f"{checkpoint.path}: engine: transformers loads {SAFETENSORS_NAME}, or what its index "
            f"names, and here is {min(checkpoint.weights)}; rename it, or set engine: vllm"
        )
    stored = checkpoint.config.get("quantization_config", {}).get("quant_method")
    where = Device("cpu" if device == "cpu" else "gpu")
    bits = transformers_arguments(config.entry, stored, where, base.is_installed)
    chosen: dict[str, Any] = {"dtype": "auto" if device == "cuda" else "float32"}
    chosen |= {"dtype": config.entry["dtype"]} if "dtype" in config.entry else {}
    chosen |= {"quantization_config": BitsAndBytesConfig(**bits)} if bits else {}
    options = {k: v for k, v in config.options.items() if k != "batch_invariant"}
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        config.folder, **chosen | options, output_loading_info=True
    )
    model, info = loaded
    if missing := sorted(info["missing_keys"]):
        raise UserError(
            f"{config.checkpoint} lacks {len(missing)} weights, such as {missing[0]}; "
            "delete it and download the model again"
        )
    if config.adapter:
        _load_adapter(config, model)
    return model if bits else model.to(device)


def _load_adapter(config: base.EngineConfig, model: Any) -> None:
    if not base.is_installed("peft"):
        raise UserError("adapter: Transformers needs the package peft; install it")
    model.load_adapter(str(config.adapter))
