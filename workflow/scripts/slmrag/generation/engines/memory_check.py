"""Checks that a model fits into memory, before its engine starts and fails after a minute."""

from collections.abc import Mapping
from typing import Any

from slmrag.errors import UserError
from slmrag.generation.engines.quantization import Device
from slmrag.models.checkpoint import Checkpoint

GIB = 2**30
BYTES_OF_DTYPE = {"float32": 4, "float16": 2, "bfloat16": 2}
# What activations, graphs and the CUDA context take beside weights and cache: a rule of thumb.
OVERHEAD_BYTES = 1.5 * GIB
DEFAULT_UTILIZATION = 0.92
SEQUENCES_IN_CPU_CACHE = 8


def weight_bytes(checkpoint: Checkpoint, dtype: str | None, quantization: str | None) -> int:
    """Return the bytes of the weights once they are loaded."""
    if checkpoint.config.get("quantization_config"):
        return checkpoint.weight_bytes
    if quantization:
        return checkpoint.parameters
    size = BYTES_OF_DTYPE.get(dtype or "auto")
    return checkpoint.parameters * size if size else checkpoint.weight_bytes


def check_gpu(
    checkpoint: Checkpoint,
    arguments: Mapping[str, Any],
    device: Device,
    share: int = 1,
) -> None:
    """Refuse a model whose weights and one full sequence exceed ``share`` GPUs' memory."""
    if not device.memory_bytes or not checkpoint.parameters:
        return
    room = (
        device.memory_bytes * share * arguments.get("gpu_memory_utilization", DEFAULT_UTILIZATION)
    )
    needed = weight_bytes(checkpoint, arguments.get("dtype"), arguments.get("quantization"))
    tokens = arguments.get("max_model_len") or 0
    cache = checkpoint.kv_bytes() * tokens
    if needed + OVERHEAD_BYTES > room:
        raise UserError(
            f"the weights need {needed / GIB:.1f} GiB and the job may use {room / GIB:.1f} GiB of "
            "GPU memory; set load_in_8bit: true, raise gpu_memory_utilization, or give the model "
            "more gpus (above 1.7B parameters a GPU of 16 GB or 8 bits are wanted)"
        )
    if needed + OVERHEAD_BYTES + cache > room:
        fit = int((room - needed - OVERHEAD_BYTES) // max(1, checkpoint.kv_bytes()))
        raise UserError(
            f"max_model_len: one sequence of {tokens} tokens needs {cache / GIB:.1f} GiB beside "
            f"{needed / GIB:.1f} GiB of weights, and the job may use {room / GIB:.1f} GiB; set "
            f"max_model_len to {fit} or less, or raise gpu_memory_utilization"
        )


def cpu_cache_gib(checkpoint: Checkpoint, tokens: int | None) -> int:
    """Return whole GiB of cache: at least one full sequence, eight if they fit in 4 GiB."""
    one = checkpoint.kv_bytes(BYTES_OF_DTYPE["float32"]) * (tokens or 0)
    return max(-(-one // GIB), min(4, -(-one * SEQUENCES_IN_CPU_CACHE // GIB)), 1)


def check_cpu(checkpoint: Checkpoint, cache_gib: int, available: int | None) -> None:
    """Refuse a model whose weights (float32) and cache exceed the free host memory."""
    needed = weight_bytes(checkpoint, "float32", None) + cache_gib * GIB
    if available and needed > available:
        raise UserError(
            f"weights and cache need {needed / GIB:.1f} GiB and {available / GIB:.1f} GiB of "
            "memory are free; lower max_model_len, set dtype: bfloat16, or take a smaller model"
        )


def free_memory_bytes() -> int | None:
    """Return the bytes of host memory that are free (Linux), or None."""
    try:
        with open("/proc/meminfo") as file:
            found = [line.split()[1] for line in file if line.startswith("MemAvailable:")]
    except OSError:
        return None
    return int(found[0]) * 1024 if found else None
