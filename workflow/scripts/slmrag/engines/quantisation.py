"""What a wish for fewer bits resolves to; a wish that would silently do nothing is an error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slmrag.errors import UserError

# Methods that only read what a checkpoint was quantised to (vLLM 0.32, model_config.quantization).
STORED = {
    "awq",
    "auto_awq",
    "awq_marlin",
    "gptq",
    "auto_gptq",
    "gptq_marlin",
    "compressed-tensors",
    "quark",
    "modelopt",
    "fbgemm_fp8",
}
ONLINE = {"fp8", "fp8_per_tensor", "fp8_per_block", "fp8_per_channel", "mxfp8", "torchao"}
FP8_CAPABILITY = (7, 5)
BITS = {"bitsandbytes": "load_in_8bit", "bitsandbytes_8bit": "load_in_8bit"}
BITS |= {"bitsandbytes_4bit": "load_in_4bit"}


@dataclass(frozen=True)
class Device:
    """Where the model will run; ``capability`` is None on a CPU or where NVML is silent."""

    kind: str
    capability: tuple[int, int] | None = None
    memory_bytes: int | None = None


def vllm_arguments(
    entry: Mapping[str, Any], stored: str | None, device: Device, has: Callable[[str], bool]
) -> dict[str, Any]:
    """Return vLLM's arguments for an entry; ``stored`` is what the checkpoint is quantised by."""
    wanted = entry.get("quantization")
    if entry.get("load_in_8bit"):
        return {"quantization": _eight_bit(wanted, stored, device)}
    if wanted is None:
        return {}
    _refuse_what_does_nothing(wanted, stored, has)
    if wanted in ONLINE and stored is None:
        _needs_gpu(f"quantization: {wanted}", device)
    return {"quantization": wanted}


def _eight_bit(wanted: str | None, stored: str | None, device: Device) -> str:
    if wanted is not None:
        raise UserError(f"load_in_8bit and quantization: {wanted} exclude each other; keep one")
    if stored is not None:
        raise UserError(
            f"load_in_8bit: the checkpoint is quantised already ({stored}); remove the key"
        )
    _needs_gpu("load_in_8bit", device)
    return "fp8"


def _needs_gpu(what: str, device: Device) -> None:
    if device.kind == "cpu":
        raise UserError(
            f"{what}: vLLM's CPU build cannot quantise a model while it loads; remove the key, or "
            "take a checkpoint that is quantised already (compressed-tensors int8)"
        )
    if device.capability and device.capability < FP8_CAPABILITY:
        major, minor = device.capability
        raise UserError(
            f"{what} needs a GPU of compute capability 7.5, this one has {major}.{minor}; remove "
            "the key or ask for another GPU"
        )


def _refuse_what_does_nothing(wanted: str, stored: str | None, has: Callable[[str], bool]) -> None:
    if wanted == "int8_per_channel_weight_only":
        raise UserError(
            "quantization: int8_per_channel_weight_only does nothing to a dense model in vLLM; "
            "write fp8, or load_in_8bit: true"
        )
    if wanted in BITS and not has("vllm-bnb-plugin"):
        raise UserError(
            f"quantization: {wanted} has left vLLM; install vllm-bnb-plugin, write fp8, or set "
            "engine: transformers"
        )
    if wanted == "gguf":
        raise UserError("quantization: vLLM loads no gguf; convert the model to safetensors")
    if wanted in STORED and stored is None:
        raise UserError(
            f"quantization: {wanted} reads weights that are quantised already, and those of this "
            "checkpoint are not; write fp8, or name a checkpoint that is"
        )


def transformers_arguments(
    entry: Mapping[str, Any], stored: str | None, device: Device, has: Callable[[str], bool]
) -> dict[str, Any]:
    """Return the keyword of BitsAndBytesConfig that an entry asks for, or nothing."""
    wanted = entry.get("quantization")
    if entry.get("load_in_8bit"):
        wanted = wanted or "bitsandbytes_8bit"
    if wanted is None or wanted == stored:
        return {}
    if wanted not in BITS:
        raise UserError(
            f"quantization: {wanted}: Transformers quantises while loading by bitsandbytes_8bit "
            "or bitsandbytes_4bit only; write one of them, or set engine: vllm"
        )
    if device.kind == "cpu":
        raise UserError(f"quantization: {wanted} needs a GPU; set gpus: 1 or remove the key")
    if not has("bitsandbytes"):
        raise UserError(f"quantization: {wanted} needs the package bitsandbytes; install it")
    return {BITS[wanted]: True}


def nothing(entry: Mapping[str, Any], engine: str) -> None:
    """Refuse a wish that an engine without weights of its own cannot fulfil."""
    asked = "load_in_8bit" if entry.get("load_in_8bit") else "quantization"
    if entry.get("load_in_8bit") or entry.get("quantization"):
        raise UserError(f"{asked} does nothing with engine: {engine}; remove the key")
