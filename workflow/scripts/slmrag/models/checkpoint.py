"""Facts about a model from its checkpoint's folder, read without torch or transformers."""

import json
import math
import re
import struct
from functools import cached_property
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.models.checkpoint_files import weight_files as weights_of
from slmrag.models.context_length import Positions, positions

CONFIG_SECTIONS = ("text_config", "quantization_config", "rope_scaling", "rope_parameters")
BYTES_OF_DTYPE = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
}


class Checkpoint:
    """A folder with config.json and safetensors; UserError if it is not complete."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.json, with the keys of the language model if there are several models."""
        file = self.path / "config.json"
        if not file.is_file():
            raise UserError(f"{file} is missing; delete {self.path} and download it again")
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{file} is no JSON ({error}); download the model again") from error
        config = without_nulls(config)
        if not isinstance(config, dict):
            raise UserError(f"{file} is no JSON object; download the model again")
        self._check_sections(file, config)
        self._check_sections(file, config.get("text_config", {}))
        return {**config, **config.get("text_config", {})}

    @staticmethod
    def _check_sections(file: Path, config: dict[str, Any]) -> None:
        for name in CONFIG_SECTIONS:
            if not isinstance(config.get(name, {}), dict):
                raise UserError(
                    f"{file}: {name} is {json.dumps(config[name])[:60]} and no section; mend it, "
                    "or download the model again"
                )

    @cached_property
    def tensors(self) -> dict[str, dict[str, Any]]:
        """Name, dtype, shape of each weight, from the headers of the safetensors files."""
        found: dict[str, dict[str, Any]] = {}
        for name in sorted(self.weights):
            if name.endswith(".safetensors"):
                found |= safetensors_header(self.path / name)
        return found

    @cached_property
    def weights(self) -> set[str]:
        """Names of the weight files that engines load; UserError if one is missing."""
        names = [path.name for path in self.path.glob("*") if path.is_file()]
        try:
            found = weights_of(names, True, lambda name: (self.path / name).read_bytes())
        except UserError as error:
            raise UserError(f"{self.path}: {error}") from None
        if not found:
            raise UserError(
                f"{self.path} holds no *.safetensors; delete it and download the model again"
            )
        return found

    @property
    def parameters(self) -> int:
        """Number of weights, packed ones counted one by one; 0 without safetensors."""
        bits = self._bits
        return sum(count_weights(name, tensor, bits) for name, tensor in self.tensors.items())

    @property
    def _bits(self) -> int:
        """Bits of a packed weight: several are stored in one integer."""
        stored = self.config.get("quantization_config", {})
        known = stored.get("bits") or stored.get("w_bit")
        groups = [one.get("weights") or {} for one in stored.get("config_groups", {}).values()]
        return int(known or next((one["num_bits"] for one in groups if "num_bits" in one), 4))

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights as stored."""
        return sum(
            math.prod(tensor["shape"]) * BYTES_OF_DTYPE.get(tensor["dtype"], 1)
            for tensor in self.tensors.values()
        )

    @property
    def context(self) -> int | None:
        """Most tokens of prompt and answer that engines take by default; None if not known."""
        return self.positions.usual if self.positions else None

    @cached_property
    def positions(self) -> Positions | None:
        """How many tokens the language model's configuration allows; None if it does not say."""
        return positions(self.config.get("text_config") or self.config)

    def kv_bytes(self, element: int = 2) -> int:
        """Bytes of keys and values that one token holds, at ``element`` bytes a number."""
        config = self.config
        heads = config.get("num_attention_heads") or config.get("n_head") or 1
        heads = config.get("n_heads") or heads
        width = config.get("hidden_size") or config.get("n_embd") or config.get("d_model") or 0
        head = config.get("head_dim") or width // heads
        layers = config.get("num_hidden_layers") or config.get("n_layer") or 0
        layers = layers or config.get("n_layers") or 0
        return 2 * layers * (config.get("num_key_value_heads") or heads) * head * element


def without_nulls(value: Any) -> Any:
    """Return JSON without keys of null: transformers writes null or leaves the key out."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return value


# Tensors beside quantized weights: scales, zero points, orders, bitsandbytes' tables.
BESIDE_WEIGHTS = re.compile(
    r"[._](?:q?zeros|scales?|scale_inv|zero_point|g_idx|weight_shape|input_scale|SCB|absmax|"
    r"weight_format|(?:nested_)?quant_map|nested_absmax|quant_state\.\S+)$"
)
PACKED_WEIGHTS = re.compile(r"\.(?:qweight|weight_packed)$")


def count_weights(name: str, tensor: dict[str, Any], bits: int) -> int:
    """Return the number of the model's weights that a stored tensor holds, ``bits`` each if packed.

    The names are those of AWQ and GPTQ, compressed-tensors, fp8 and bitsandbytes checkpoints.
    """
    if BESIDE_WEIGHTS.search(name):
        return 0
    count = math.prod(tensor["shape"])
    if PACKED_WEIGHTS.search(name):
        return count * 8 * BYTES_OF_DTYPE.get(tensor["dtype"], 1) // bits
    # bitsandbytes' 4 bits: two weights a byte; a whole tensor of bytes occurs nowhere else.
    return count * 2 if tensor["dtype"] == "U8" and name.endswith(".weight") else count


def safetensors_header(file: Path) -> dict[str, dict[str, Any]]:
    """Return a safetensors file's tensors; UserError where the file is cut short."""
    with file.open("rb") as stream:
        head = stream.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else -1
        text = stream.read(length) if 0 < length < 1 << 28 else b""
    try:
        tensors = json.loads(text)
        tensors.pop("__metadata__", None)
        ends = [tensor["data_offsets"][1] for tensor in tensors.values()]
    except (ValueError, KeyError, AttributeError) as error:
        raise UserError(f"{file} is no whole safetensors file; download it again") from error
    if file.stat().st_size != 8 + length + max(ends, default=0):
        raise UserError(f"{file} is cut short; delete {file.parent} and download it again")
    return tensors
