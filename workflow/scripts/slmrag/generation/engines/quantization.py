"""An engine's arguments for quantization; a setting that would silently do nothing is an error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slmrag.errors import UserError, nearest

# Methods that only read what a checkpoint was quantized to (vLLM 0.32, QuantizationMethods).
STORED_METHODS = {
    *("awq", "auto_awq", "awq_marlin", "gptq", "auto_gptq", "gptq_marlin", "moe_wna16"),
    *("compressed-tensors", "torchao", "quark", "inc", "fbgemm_fp8", "fp_quant"),
    *("modelopt", "modelopt_fp4", "modelopt_mxfp8", "modelopt_mixed"),
    *("gpt_oss_mxfp4", "deepseek_v4_fp8"),
}
ONLINE_METHODS = {
    *("fp8", "fp8_per_tensor", "fp8_per_block", "fp8_per_channel", "mxfp8", "mxfp4"),
    *("nvfp4_per_token", "humming", "online"),
}
# Of these vLLM leaves a dense model's weights as they are, and says nothing.
METHODS_WITHOUT_EFFECT = {"int8_per_channel_weight_only", "experts_int8"}
# These read several stored formats.
READERS_OF_SEVERAL_FORMATS = {"humming", "moe_wna16", "inc", "online"}
NAMES_OF_8_BIT = {"int8", "8bit", "8-bit", "load_in_8bit"}
FP8_CAPABILITY = (7, 5)
BITSANDBYTES_ARGUMENTS = {"bitsandbytes": "load_in_8bit", "bitsandbytes_8bit": "load_in_8bit"}
BITSANDBYTES_ARGUMENTS |= {"bitsandbytes_4bit": "load_in_4bit"}


@dataclass(frozen=True)
class Device:
    """Where the model will run; ``capability`` is None on a CPU or where NVML is silent."""

    kind: str
    capability: tuple[int, int] | None = None
    memory_bytes: int | None = None


def vllm_arguments(
    entry: Mapping[str, Any], stored: str | None, device: Device, has: Callable[[str], bool]
) -> dict[str, Any]:
    """Return vLLM's arguments for an entry; ``stored`` is what the checkpoint is quantized by."""
    wanted = entry.get("quantization")
    if entry.get("load_in_8bit"):
        return {"quantization": _eight_bit_method(wanted, stored, device)}
    if wanted is None:
        return {}
    _refuse_unknown(wanted)
    _refuse_methods_without_effect(wanted, has)
    given = "hf_overrides" in (entry.get("options") or {})
    _refuse_another_format(wanted, stored or (wanted if given else None))
    if wanted in ONLINE_METHODS and stored is None:
        _require_gpu(f"quantization: {wanted}", device)
    return {"quantization": wanted}


def _eight_bit_method(wanted: str | None, stored: str | None, device: Device) -> str:
    _refuse_double_quantization(wanted, stored)
    _require_gpu("load_in_8bit", device)
    return "fp8"


def _refuse_double_quantization(wanted: str | None, stored: str | None) -> None:
    if wanted is not None:
        raise UserError(f"load_in_8bit and quantization: {wanted} exclude each other; keep one")
    if stored is not None:
        raise UserError(
            f"load_in_8bit: the checkpoint is quantized already ({stored}); remove the key"
        )


def _require_gpu(what: str, device: Device) -> None:
    if device.kind == "cpu":
        raise UserError(
            f"{what}: vLLM's CPU build cannot quantize a model while it loads; remove the key, or "
            "take a checkpoint that is quantized already (compressed-tensors int8)"
        )
    if device.capability and device.capability < FP8_CAPABILITY:
        major, minor = device.capability
        raise UserError(
            f"{what} needs a GPU of compute capability 7.5, this one has {major}.{minor}; remove "
            "the key or ask for another GPU"
        )


def _refuse_unknown(wanted: str) -> None:
    known = {
        *STORED_METHODS,
        *ONLINE_METHODS,
        *METHODS_WITHOUT_EFFECT,
        *BITSANDBYTES_ARGUMENTS,
        "gguf",
    } - {"load_in_8bit"}
    if wanted in NAMES_OF_8_BIT:
        raise UserError(f"quantization: vLLM knows no '{wanted}'; write load_in_8bit: true")
    if wanted not in known:
        hint = nearest(wanted, sorted(known)) or f"; known: {', '.join(sorted(known))}"
        raise UserError(f"quantization: vLLM knows no '{wanted}'{hint}")


def _refuse_methods_without_effect(wanted: str, has: Callable[[str], bool]) -> None:
    if wanted in METHODS_WITHOUT_EFFECT:
        raise UserError(
            f"quantization: {wanted} does nothing to a dense model in vLLM; write fp8, or "
            "load_in_8bit: true"
        )
    if wanted in BITSANDBYTES_ARGUMENTS and not has("vllm-bnb-plugin"):
        raise UserError(
            f"quantization: {wanted} has left vLLM; install vllm-bnb-plugin, write fp8, or set "
            "engine: transformers"
        )
    if wanted == "gguf":
        raise UserError("quantization: vLLM loads no gguf; convert the model to safetensors")


def _refuse_another_format(wanted: str, stored: str | None) -> None:
    if wanted in STORED_METHODS and stored is None:
        raise UserError(
            f"quantization: {wanted} reads weights that are quantized already, and those of this "
            "checkpoint are not; write fp8, or name a checkpoint that is"
        )
    if (
        stored
        and wanted not in READERS_OF_SEVERAL_FORMATS
        and _format_family(wanted) != _format_family(stored)
    ):
        raise UserError(
            f"quantization: {wanted}, but the checkpoint is quantized by {stored}; write {stored}, "
            "or remove the key"
        )


def _format_family(name: str) -> str:
    """Return a format's name without the kernel that reads it."""
    plain = name.removeprefix("auto_").removesuffix("_marlin")
    return plain.partition("_")[0].replace("-", "_")


def transformers_arguments(
    entry: Mapping[str, Any], stored: str | None, device: Device, has: Callable[[str], bool]
) -> dict[str, Any]:
    """Return the keyword of BitsAndBytesConfig that an entry asks for, or nothing."""
    wanted = entry.get("quantization")
    asked = f"quantization: {wanted}"
    if entry.get("load_in_8bit"):
        _refuse_double_quantization(wanted, stored)
        wanted, asked = "bitsandbytes_8bit", "load_in_8bit"
    if wanted is None or (stored and _format_family(wanted) == _format_family(stored)):
        return {}
    if stored:
        _refuse_another_format(wanted, stored)
    if wanted not in BITSANDBYTES_ARGUMENTS:
        raise UserError(
            f"quantization: {wanted}: Transformers quantizes while loading by bitsandbytes_8bit "
            f"or bitsandbytes_4bit only{nearest(wanted, BITSANDBYTES_ARGUMENTS)}; write one of "
            "them, or set engine: vllm"
        )
    if device.kind == "cpu":
        raise UserError(f"{asked} needs a GPU; set gpus: 1 or remove the key")
    if not has("bitsandbytes"):
        raise UserError(f"{asked} needs the package bitsandbytes; install it")
    return {BITSANDBYTES_ARGUMENTS[wanted]: True}


def refuse_quantization(entry: Mapping[str, Any], engine: str) -> None:
    """Refuse quantization where the engine has no weights of its own."""
    asked = "load_in_8bit" if entry.get("load_in_8bit") else "quantization"
    if entry.get("load_in_8bit") or entry.get("quantization"):
        raise UserError(f"{asked} does nothing with engine: {engine}; remove the key")
