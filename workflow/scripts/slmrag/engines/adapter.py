"""LoRA adapters: whole, and made for this very model."""

import re
from pathlib import Path
from typing import Any

from slmrag.engines.checkpoint import Checkpoint, header
from slmrag.errors import UserError
from slmrag.files import digest, read_json, sha256_file

FILES = ("adapter_config.json", "adapter_model.safetensors")
NAME = re.compile(r"^base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight$")


def adapter_digest(folder: Path) -> str:
    """Return the digest of an adapter's two files; UserError where one is missing."""
    for name in FILES:
        if not (folder / name).is_file():
            raise UserError(f"adapter: {folder / name} is missing; a LoRA adapter has {FILES}")
    return digest([sha256_file(folder / name) for name in FILES])


def rank(folder: Path) -> int:
    """Return the adapter's rank."""
    return int(read_json(folder / FILES[0]).get("r", 16))


def check(folder: Path, checkpoint: Checkpoint) -> None:
    """Refuse an adapter whose matrices do not fit the model's."""
    shapes = {name: tensor["shape"] for name, tensor in checkpoint.tensors.items()}
    for name, tensor in header(folder / FILES[1]).items():
        found = NAME.match(name)
        if found and shapes:
            _check_one(folder, found["module"], found["side"], tensor, shapes)


def _check_one(
    folder: Path, module: str, side: str, tensor: dict[str, Any], shapes: dict[str, list[int]]
) -> None:
    base = shapes.get(f"{module}.weight")
    if base is None:
        raise UserError(f"adapter: {folder} is for another model: this one has no {module}")
    out, into = base[0], base[1]
    own, theirs = (tensor["shape"][1], into) if side == "A" else (tensor["shape"][0], out)
    if own != theirs:
        raise UserError(
            f"adapter: {folder} is for another model, whose {module} has size {own}; this model's "
            f"has {theirs}"
        )
