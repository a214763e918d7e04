"""What a checkpoint folder says of its model, read without torch or transformers."""

import json
import math
import re
import struct
from functools import cached_property
from pathlib import Path
from typing import Any

from slmrag.errors import UserError

HARMLESS = frozenset(
    [
        "_from_model_config",
        "transformers_version",
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
        "decoder_start_token_id",
        "do_sample",
        "temperature",
        "top_p",
        "top_k",
        "max_length",
        "max_new_tokens",
        "use_cache",
        "return_dict_in_generate",
        "output_attentions",
        "output_hidden_states",
        "output_scores",
        "output_logits",
        "trust_remote_code",
    ]
)
"""Keys of generation_config.json that never changed an answer of ours, or still may."""
IDLE = {
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "num_beams": 1,
    "min_p": 0,
    "typical_p": 1.0,
    "num_beam_groups": 1,
    "diversity_penalty": 0.0,
    "length_penalty": 1.0,
    "early_stopping": False,
    "encoder_repetition_penalty": 1.0,
    "encoder_no_repeat_ngram_size": 0,
    "min_length": 0,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "num_return_sequences": 1,
    "remove_invalid_values": False,
    "renormalize_logits": False,
}
"""Values of such keys that change nothing."""
WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1}


class Checkpoint:
    """A folder with config.json and safetensors; UserError where it is not whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.json, of the language model where there are several."""
        file = self.path / "config.json"
        if not file.is_file():
            raise UserError(f"{file} is missing; delete {self.path} and download it again")
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{file} is no JSON ({error}); download the model again") from error
        if not isinstance(config, dict):
            raise UserError(f"{file} is no JSON object; download the model again")
        return {**config, **config.get("text_config", {})}

    @cached_property
    def wishes(self) -> dict[str, Any]:
        """What generation_config.json asks of sampling beyond what our settings always replaced."""
        file = self.path / "generation_config.json"
        try:
            found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        except ValueError as error:
            raise UserError(f"{file} is no JSON ({error}); download the model again") from error
        known = {key: value for key, value in found.items() if key not in HARMLESS}
        return {k: v for k, v in known.items() if v is not None and v != IDLE.get(k)}

    @cached_property
    def tensors(self) -> dict[str, dict[str, Any]]:
        """Name, dtype, shape of each weight, from the headers of the safetensors files."""
        self._miss_nothing()
        found: dict[str, dict[str, Any]] = {}
        for file in sorted(self.path.glob("*.safetensors")):
            found |= header(file)
        return found

    def _miss_nothing(self) -> None:
        if not any(one for name in WEIGHTS for one in self.path.glob(name)):
            raise UserError(
                f"{self.path} holds no *.safetensors; delete it and download the model again"
            )
        index = self.path / "model.safetensors.index.json"
        named = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else {}
        for name in sorted(set(named.get("weight_map", {}).values())):
            if not (self.path / name).is_file():
                raise UserError(f"{self.path / name} is missing; download the model again")

    @property
    def parameters(self) -> int:
        """Number of weights, packed ones unpacked; 0 where there are no safetensors."""
        bits = self._bits
        return sum(weights(name, tensor, bits) for name, tensor in self.tensors.items())

    @property
    def _bits(self) -> int:
        """Bits of a weight that is packed with others into an integer."""
        stored = self.config.get("quantization_config") or {}
        known = stored.get("bits") or stored.get("w_bit")
        groups = [one.get("weights") or {} for one in stored.get("config_groups", {}).values()]
        return int(known or next((one["num_bits"] for one in groups if "num_bits" in one), 4))

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights as stored."""
        return sum(
            math.prod(tensor["shape"]) * BYTES.get(tensor["dtype"], 1)
            for tensor in self.tensors.values()
        )

    @property
    def context(self) -> int | None:
        """Most tokens of prompt and answer, where the configuration says."""
        value = self.config.get("max_position_embeddings") or self.config.get("n_positions")
        return int(value) if value else None

    def kv_bytes(self, element: int = 2) -> int:
        """Bytes of keys and values that one token holds, at ``element`` bytes a number."""
        config = self.config
        heads = config.get("num_attention_heads") or config.get("n_head") or 1
        width = config.get("hidden_size") or config.get("n_embd") or 0
        head = config.get("head_dim") or width // heads
        layers = config.get("num_hidden_layers") or config.get("n_layer") or 0
        return 2 * layers * (config.get("num_key_value_heads") or heads) * head * element


# What stands beside quantised weights: scales, zero points, orders, bitsandbytes' tables.
BESIDE = re.compile(
    r"[._](?:q?zeros|scales?|scale_inv|zero_point|g_idx|weight_shape|input_scale|SCB|absmax|"
    r"weight_format|(?:nested_)?quant_map|nested_absmax|quant_state\.\S+)$"
)
PACKED = re.compile(r"\.(?:qweight|weight_packed)$")


def weights(name: str, tensor: dict[str, Any], bits: int) -> int:
    """Return the number of the model's weights that a stored tensor holds, ``bits`` each if packed.

    The names are those of AWQ and GPTQ, compressed-tensors, fp8 and bitsandbytes checkpoints.
    """
    if BESIDE.search(name):
        return 0
    count = math.prod(tensor["shape"])
    if PACKED.search(name):
        return count * 8 * BYTES.get(tensor["dtype"], 1) // bits
    # bitsandbytes' 4 bits: two weights a byte; a whole tensor of bytes occurs nowhere else.
    return count * 2 if tensor["dtype"] == "U8" and name.endswith(".weight") else count


def header(file: Path) -> dict[str, dict[str, Any]]:
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
