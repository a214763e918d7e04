"""Options of an engine that is loaded here which would run code, or sampling by another name."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

UNSAFE_ARGUMENTS = frozenset({"trust_remote_code", "weights_only", "use_safetensors"})
"""Arguments of the engines that would let a checkpoint run code."""
ARGUMENTS_THAT_SAMPLE = {
    "vllm": ("generation_config", "override_generation_config", "logits_processors"),
    "transformers": ("generation_config",),
}
"""Arguments of an engine that would change how tokens are drawn, unseen by the record."""


def problems(engine: str, options: Mapping[str, Any], sampling: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each option that has no place there; ``sampling`` are its keys."""
    for name in sorted(UNSAFE_ARGUMENTS & options.keys()):
        yield f"options.{name}: no code of a checkpoint is ever run; remove it"
    for name in ARGUMENTS_THAT_SAMPLE.get(engine, ()):
        if name in options:
            yield f"options.{name}: set the keys of sampling instead"
    for name in sampling if engine in ARGUMENTS_THAT_SAMPLE else ():
        if name in options:
            yield f"options.{name}: {name} is a key of the model itself; move it there"


def moved(raw: Mapping[str, Any], engine: str, sampling: Iterable[str]) -> Mapping[str, Any]:
    """Return an entry whose options' keys of sampling are the model's own, as vLLM's users write.

    A key that stands in both places stays where it is, and is refused.
    """
    options = raw.get("options")
    if engine not in ARGUMENTS_THAT_SAMPLE or not isinstance(options, Mapping):
        return raw
    found = {name: options[name] for name in sampling if name in options and name not in raw}
    rest = {name: value for name, value in options.items() if name not in found}
    return {**raw, **found, "options": rest or None} if found else raw
