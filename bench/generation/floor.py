"""The physical floor of a generation run on a GPU: bytes over bandwidth, FLOPs over rate."""

import argparse
from pathlib import Path

# Memory bandwidth in bytes/s and dense bfloat16 FLOP/s, from the makers' data sheets.
GPUS = {
    "H200": (4.8e12, 989e12),
    "H100": (3.35e12, 989e12),
    "A100": (2.04e12, 312e12),
    "L40S": (0.864e12, 362e12),
    "L4": (0.3e12, 121e12),
    "T4": (0.32e12, 65e12),
}


def seconds(
    parameters: int,
    weight_bytes: int,
    kv_bytes: int,
    prompt: int,
    output: int,
    requests: int,
    batch: int,
    bandwidth: float,
    rate: float,
) -> float:
    """Return the least seconds: prefill by FLOPs, each decode step by weights and cache read.

    ``prompt`` and ``output`` are tokens a request; a step decodes ``batch`` requests.
    """
    prefill = 2 * parameters * prompt * requests / rate
    steps = output * -(-requests // batch)
    cache = kv_bytes * (prompt + output / 2) * output * requests
    return prefill + (steps * weight_bytes + cache) / bandwidth


def text(checkpoint: Path, given: argparse.Namespace) -> str:
    """Return the floor of the run that was asked for, in one line."""
    from slmrag.generation.engines.hardware import first_gpu
    from slmrag.models.checkpoint import Checkpoint

    name = first_gpu().get("name", "")
    known = next((value for key, value in GPUS.items() if key in name), None)
    if known is None:
        return f"no floor: the bandwidth of {name or 'this GPU'} is not known here"
    model = Checkpoint(checkpoint)
    least = seconds(
        model.parameters,
        model.weight_bytes,
        model.kv_bytes(),
        100,
        given.max_tokens,
        given.prompts,
        256,
        *known,
    )
    return f"physical floor on {name}: {least:.3f} s, {given.prompts / least:.0f} requests/s"
