"""Checkpoints of headers alone, and the machines that they may run on."""

import json
import struct

from slmrag.generation.engines.quantization import Device
from slmrag.models.checkpoint import Checkpoint

CPU = Device("cpu")
H100 = Device("gpu", (9, 0), 80 * 2**30)
T4 = Device("gpu", (7, 5), 16 * 2**30)
V100 = Device("gpu", (7, 0), 16 * 2**30)


def write_tensors(file, shapes, dtype="BF16"):
    """Write a safetensors file of zeros."""
    size, place, head = {"BF16": 2, "F32": 4}[dtype], 0, {}
    for name, shape in shapes.items():
        count = size
        for one in shape:
            count *= one
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + count]}
        place += count
    text = json.dumps(head).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * place)


def checkpoint(folder, heads=9, keys=3, shapes=None, **config):
    """Write a checkpoint of the given attention heads."""
    folder.mkdir(parents=True, exist_ok=True)
    known = {"num_attention_heads": heads, "num_key_value_heads": keys, "hidden_size": 64 * heads}
    known |= {"num_hidden_layers": 30, "max_position_embeddings": 8192, **config}
    (folder / "config.json").write_text(json.dumps(known))
    write_tensors(folder / "model.safetensors", shapes or {"a.weight": [100, 10]})
    return Checkpoint(folder)
