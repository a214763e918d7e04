"""Keys of sampling that an engine does not have, or that are asked for twice."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slmrag.config.models_and_modes import ModelEntry, SamplingEntry
    from slmrag.config.schema import Config

LACKING = {
    "transformers": ("presence_penalty", "frequency_penalty"),
    "echo": (
        "top_k",
        "min_p",
        "repetition_penalty",
        "presence_penalty",
        "frequency_penalty",
        "min_tokens",
    ),
}
"""Keys of sampling that an engine does not have."""


def problems(config: "Config") -> Iterator[str]:
    """Say where a key of sampling would do nothing, or is asked for twice."""
    models = {f"models.{name}": one for name, one in config.models.items()}
    common = {where: config.sampling for where in models}
    if config.judge:
        models["judge.model"] = config.judge.model
    for where, model in models.items():
        for key in LACKING.get(model.engine, ()):
            if getattr(model, key) is not None:
                yield f"{where}.{key}: engine: {model.engine} has no such key; remove it"
            elif getattr(common.get(where), key, None) is not None:
                yield (
                    f"sampling.{key}: engine: {model.engine} of {where} has no such key; "
                    "set it in the entries of the models that have it"
                )
        yield from _twice(where, model, common.get(where))
        general = common.get(where)
        least = _first(model.min_tokens, general and general.min_tokens, 0)
        usual = config.judge.SAMPLING if config.judge else {}
        most = _first(model.max_tokens, general.max_tokens if general else usual["max_tokens"])
        if least > most:
            yield f"{where}: min_tokens {least} is above max_tokens {most}; lower it"


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)


def _twice(where: str, model: "ModelEntry", common: "SamplingEntry | None") -> Iterator[str]:
    """Say which key an endpoint's options hold beside the key of sampling."""
    options = model.options or {} if model.engine == "openai" else {}
    for key in LACKING["echo"]:
        set_in = [one for one in (model, common) if getattr(one, key, None) is not None]
        if set_in and key in {**options, **(options.get("extra_body") or {})}:
            yield f"{where}.options: {key} is set beside sampling's key of that name; keep one"
