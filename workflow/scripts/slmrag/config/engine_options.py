"""Keys and options of a model's entry that its engine must not get, or that would do nothing."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slmrag.config.endpoint_options import SPEED_OPTIONS
from slmrag.config.sampling import NEUTRAL_VALUES, Sampling

UNSAFE_ARGUMENTS = frozenset({"trust_remote_code", "weights_only", "use_safetensors"})
"""Arguments of the engines that would let a checkpoint run code."""
ARGUMENTS_THAT_SAMPLE = {
    "vllm": ("generation_config", "override_generation_config", "logits_processors"),
    "transformers": ("generation_config",),
}
"""Arguments of an engine that would change sampling without a trace in the record."""

KEYS_WE_SET = ("model", "messages", "prompt", "n")
SAMPLING_KEYS = [key for key in Sampling._fields if key not in NEUTRAL_VALUES]
KEYS_WITHOUT_EFFECT = (
    *("dtype", "quantization", "load_in_8bit", "adapter", "gpu_memory_utilization"),
    *("max_num_seqs", "enforce_eager", "tensor_parallel", "data_parallel", "gpus"),
)
CHECKPOINT_KEYS = ("revision", "allow_pickle", "max_model_len")
WHOLE_NUMBER_RANGES = {"concurrency": (1, 1000), "retries": (0, 1000)}


def option_problems(
    engine: str, options: Mapping[str, Any], sampling: Iterable[str]
) -> Iterator[str]:
    """Yield a sentence for each option that must not be set; ``sampling`` has the sampling keys."""
    for name in sorted(UNSAFE_ARGUMENTS & options.keys()):
        yield f"options.{name}: no code of a checkpoint is ever run; remove it"
    for name in ARGUMENTS_THAT_SAMPLE.get(engine, ()):
        if name in options:
            yield f"options.{name}: set the keys of sampling instead"
    for name in sampling if engine in ARGUMENTS_THAT_SAMPLE else ():
        if name in options:
            yield f"options.{name}: {name} is a key of the model itself; move it there"


def move_sampling_keys(
    raw: Mapping[str, Any], engine: str, sampling: Iterable[str]
) -> Mapping[str, Any]:
    """Return an entry with the sampling keys moved from ``options`` to the entry itself.

    vLLM's users write them in options. A key in both places is not moved, and is refused later.
    """
    options = raw.get("options")
    if engine not in ARGUMENTS_THAT_SAMPLE or not isinstance(options, Mapping):
        return raw
    found = {name: options[name] for name in sampling if name in options and name not in raw}
    rest = {name: value for name, value in options.items() if name not in found}
    return {**raw, **found, "options": rest or None} if found else raw


def endpoint_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each key that does nothing, or is wrong, with engine: openai."""
    options = entry.get("options") or {}
    idle = [*KEYS_WITHOUT_EFFECT, *(() if entry.get("checkpoint") else CHECKPOINT_KEYS)]
    for key in filter(entry.get, idle):
        yield f"{key} does nothing with engine: openai, the server decides it; remove the key"
    for key in options.keys() & KEYS_WE_SET:
        yield f"options.{key} is not yours to set (served_name is the model's name); remove it"
    yield from _number_problems(options)
    extra = options.get("extra_body") or {}
    if not isinstance(extra, Mapping):
        yield "options.extra_body should be a table of keys that the request has"
    else:
        yield from _contradictions(entry, options, extra)


def _number_problems(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each number that is out of its range."""
    for key in sorted((SPEED_OPTIONS - {"api_key_env"}) & options.keys()):
        value = options[key]
        least, most = WHOLE_NUMBER_RANGES.get(key, (0, float("inf")))
        whole = key in WHOLE_NUMBER_RANGES
        good = type(value) is int or (type(value) is float and not whole)
        if not good or not least <= value <= most or not (whole or value > 0):
            what = f"a whole number from {least} to {most}" if whole else "a number above 0"
            yield f"options.{key} should be {what}, not {value!r}"


def _contradictions(
    entry: Mapping[str, Any], options: Mapping[str, Any], extra: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a sentence for each key that is set to different values in two places."""
    for key in SAMPLING_KEYS:
        asked = {"options": options.get(key), "options.extra_body": extra.get(key)}
        for where, value in asked.items():
            if value is not None and value != entry.get(key):
                yield f"{where}.{key}: set {key} in the model's entry, where the record reads it"
    own = extra.get("chat_template_kwargs") or {}
    if not isinstance(own, Mapping):
        yield "options.extra_body.chat_template_kwargs should be a table"


def token_limit_problems(options: Mapping[str, Any], max_tokens: int) -> Iterator[str]:
    """Yield a sentence where an option contradicts max_tokens."""
    for where in (options, options.get("extra_body") or {}):
        asked = where.get("max_completion_tokens")
        if asked is not None and asked != max_tokens:
            yield (
                f"options.max_completion_tokens: {asked} contradicts max_tokens: {max_tokens}; "
                "options: {max_tokens: null} alone sends max_tokens under that name"
            )
