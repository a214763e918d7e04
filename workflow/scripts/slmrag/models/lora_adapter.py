"""LoRA adapters: checks that one is complete and fits the model."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.files import digest, sha256_file
from slmrag.models.checkpoint import Checkpoint, safetensors_header

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
MATRIX_NAME = re.compile(r"^base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight$")
# The part before the layers differs between a text model and its multimodal version.
LAYER = re.compile(r"(?:^|\.)(layers\.\d+\..+)$")
TIED_WEIGHTS = {"lm_head.weight": "model.embed_tokens.weight"}
# The ranks that vLLM 0.32 has room for.
VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


def adapter_digest(folder: Path) -> str:
    """Return the digest of an adapter's two files; UserError if one is missing."""
    for name in ADAPTER_FILES:
        if not (folder / name).is_file():
            raise UserError(
                f"adapter: {folder / name} is missing; a LoRA adapter has "
                f"{' and '.join(ADAPTER_FILES)}"
            )
    return digest([sha256_file(folder / name) for name in ADAPTER_FILES])


def vllm_rank(folder: Path) -> int:
    """Return the smallest rank of vLLM that the adapter fits into."""
    found = _matrices(folder)
    own = max(tensor["shape"][0] for (_, side), tensor in found.items() if side == "A")
    if own > VLLM_RANKS[-1]:
        raise UserError(f"adapter: {folder} has rank {own}; vLLM takes at most {VLLM_RANKS[-1]}")
    return next(one for one in VLLM_RANKS if one >= own)


def check_adapter(folder: Path, checkpoint: Checkpoint) -> None:
    """Raise UserError if it is no LoRA adapter, or its matrices do not fit the model."""
    kind = _adapter_settings(folder).get("peft_type")
    if kind != "LORA":
        raise UserError(f"adapter: {folder} is of type {kind}; the engines take only LORA")
    matrices = _matrices(folder)
    shapes = {name: tensor["shape"] for name, tensor in checkpoint.tensors.items()}
    for mine, other in TIED_WEIGHTS.items():
        shapes.setdefault(mine, shapes.get(other, []))
    packed = bool(checkpoint.config.get("quantization_config"))
    for (module, side), tensor in matrices.items() if shapes else ():
        found = _module_shapes(module, shapes)
        if not found:
            raise UserError(f"adapter: {folder} is for another model: this one has no {module}")
        _check_size(folder, module, side, tensor, [] if packed else found)


def _adapter_settings(folder: Path) -> Mapping[str, Any]:
    file = folder / ADAPTER_FILES[0]
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"adapter: {file} is no JSON ({error}); copy the adapter again") from error


def _matrices(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the adapter's matrices by module and side."""
    tensors = safetensors_header(folder / ADAPTER_FILES[1]).items()
    named = ((MATRIX_NAME.match(name), tensor) for name, tensor in tensors)
    found = {(one["module"], one["side"]): tensor for one, tensor in named if one}
    if not found:
        raise UserError(f"adapter: {folder / ADAPTER_FILES[1]} holds no LoRA matrices")
    return found


def _module_shapes(module: str, shapes: Mapping[str, list[int]]) -> list[list[int]]:
    """Return the shapes of the model's tensors of a module, quantized or not."""
    layer = LAYER.search(module)
    tail = layer[1] if layer else module
    parts = re.compile(rf"(?:^|\.){re.escape(tail)}\.(?:weight|qweight|weight_packed)$")
    return [shape for name, shape in shapes.items() if parts.search(name) and shape]


def _check_size(
    folder: Path, module: str, side: str, tensor: Mapping[str, Any], found: list[list[int]]
) -> None:
    at = 1 if side == "A" else 0
    own, theirs = tensor["shape"][at], [shape[at] for shape in found]
    if found and own not in theirs:
        raise UserError(
            f"adapter: {folder} is for another model, whose {module} has size {own}; this model's "
            f"has {theirs[0]}"
        )
