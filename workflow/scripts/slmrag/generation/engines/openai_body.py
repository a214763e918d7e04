"""What is asked of an endpoint: the body of a request, but for the prompt."""

from collections.abc import Mapping
from typing import Any

from slmrag.config.chat_options import OWN_TEMPLATE_CHOICES, chat_arguments
from slmrag.config.endpoint_options import CLIENT_OPTIONS, SPEED_OPTIONS
from slmrag.generation.engines.base import EngineConfig


def is_chat(config: EngineConfig) -> bool:
    """Tell whether the server puts its chat template around the prompt.

    With a template of the user's own the prompt is a finished conversation: a completion.
    """
    return config.chat and config.entry.get("chat_template") in OWN_TEMPLATE_CHOICES


def is_drawn(config: EngineConfig) -> bool:
    """Tell whether an answer is drawn: above temperature 0, or where the server chooses it."""
    return config.sampling.temperature > 0 or config.options.get("temperature", 0) is None


def body(config: EngineConfig, off: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return the keys of a request, without those that options set to null.

    ``off`` are neutral values of keys of sampling, for those that nothing else sets.
    """
    wanted, options = config.sampling, config.options
    made = {
        "model": config.entry["served_name"],
        "temperature": wanted.temperature,
        "top_p": wanted.top_p,
        "max_tokens": wanted.max_tokens,
        "seed": wanted.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    made |= {"stop": list(wanted.stop)} if wanted.stop else {}
    made |= {**(off or {}), **wanted.optional_keys(is_drawn(config)), **_limit(config)}
    made |= {
        key: value for key, value in options.items() if key not in SPEED_OPTIONS | CLIENT_OPTIONS
    }
    if not made.get("stream"):
        made.pop("stream_options", None)
    kept = {key: value for key, value in made.items() if value is not None}
    return {**kept, **_extra(config)}


def _limit(config: EngineConfig) -> dict[str, Any]:
    """Return max_completion_tokens where max_tokens is null, as OpenAI's newer models want."""
    left_out = "max_tokens" in config.options and config.options["max_tokens"] is None
    return (
        {"max_completion_tokens": config.sampling.max_tokens}
        if left_out and is_chat(config)
        else {}
    )


def _extra(config: EngineConfig) -> dict[str, Any]:
    """Return extra_body, with what the entry says to the server's chat template merged in."""
    extra = dict(config.options.get("extra_body") or {})
    if is_chat(config) and (told := chat_arguments(config.entry)):
        extra["chat_template_kwargs"] = told
    return extra


def unlimited(sent: Mapping[str, Any]) -> bool:
    """Tell whether a request leaves the length of the answer to the server."""
    return not {"max_tokens", "max_completion_tokens", "max_new_tokens"} & {*sent}
