"""Checks of sampling keys: does the engine have them, and are they set once?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slmrag.config.sampling import NEUTRAL_VALUES, Sampling

if TYPE_CHECKING:
    from slmrag.config.models import ModelEntry, SamplingEntry
    from slmrag.config.schema import Config

UNSUPPORTED_KEYS = {
    "transformers": ("presence_penalty", "frequency_penalty"),
    "echo": tuple(NEUTRAL_VALUES),
}
"""Keys of sampling that an engine does not have."""


def sampling_of_models(config: "Config") -> Iterator[tuple[str, "ModelEntry", Sampling]]:
    """Yield path, entry and decoding parameters of each model, the judge's too."""
    for name, model in config.models.items():
        yield f"models.{name}", model, Sampling.of(model.params(), config.sampling.params())
    if config.judge:
        judge = config.judge.model
        yield "judge.model", judge, Sampling.of(judge.params(), config.judge.SAMPLING)


def sampling_problems(config: "Config") -> Iterator[str]:
    """Yield a sentence for each sampling key without effect, or set twice."""
    for where, model, sampling in sampling_of_models(config):
        common = None if where == "judge.model" else config.sampling
        yield from _unsupported(where, model, common)
        yield from _set_twice(where, model, common)
        least, most = sampling.min_tokens or 0, sampling.max_tokens
        if least > most:
            yield f"{where}: min_tokens {least} is above max_tokens {most}; lower it"


def _unsupported(where: str, model: "ModelEntry", common: "SamplingEntry | None") -> Iterator[str]:
    """Yield a sentence for each sampling key that a model's engine does not have."""
    for key in UNSUPPORTED_KEYS.get(model.engine, ()):
        if getattr(model, key) is not None:
            yield f"{where}.{key}: engine: {model.engine} has no such key; remove it"
        elif getattr(common, key, None) is not None:
            yield (
                f"sampling.{key}: engine: {model.engine} of {where} has no such key; "
                "set it in the entries of the models that have it"
            )


def _set_twice(where: str, model: "ModelEntry", common: "SamplingEntry | None") -> Iterator[str]:
    """Yield a sentence for each sampling key that an endpoint's options set too."""
    options = model.options or {} if model.engine == "openai" else {}
    for key in UNSUPPORTED_KEYS["echo"]:
        set_in = [one for one in (model, common) if getattr(one, key, None) is not None]
        if set_in and key in {**options, **(options.get("extra_body") or {})}:
            yield f"{where}.options: {key} is set beside sampling's key of that name; keep one"
