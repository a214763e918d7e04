"""The body of a request to an endpoint, without the prompt; it depends on the server there."""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from slmrag.config.chat_options import OWN_TEMPLATE_CHOICES, chat_arguments
from slmrag.config.endpoint_options import CLIENT_OPTIONS, SPEED_OPTIONS
from slmrag.config.sampling import NEUTRAL_VALUES, STOCHASTIC_KEYS
from slmrag.errors import UserError
from slmrag.generation.engines.base import EngineConfig

if TYPE_CHECKING:
    from openai import AsyncOpenAI

logger = logging.getLogger(__name__)
MODEL_LIST_TIMEOUT = 5.0
OPENAI_HOST = "api.openai.com"
PENALTIES: dict[str, float] = {"presence_penalty": 0, "frequency_penalty": 0}
VLLM_NEUTRAL_VALUES: dict[str, float] = {
    **PENALTIES,
    "repetition_penalty": 1,
    "top_k": -1,
    "min_p": 0,
}
NEUTRAL_VALUES_BY_SERVER: dict[str, dict[str, float]] = {
    "vllm": VLLM_NEUTRAL_VALUES,
    "sglang": VLLM_NEUTRAL_VALUES,
    "llamacpp": {**PENALTIES, "repeat_penalty": 1, "top_k": 0, "min_p": 0},
    "library": PENALTIES,
}
"""By what a server's list of models says in ``owned_by`` (Ollama: library), its neutral values."""
NAMES_BY_SERVER = {"llamacpp": {"repetition_penalty": "repeat_penalty"}}
LACKING_BY_SERVER = {
    "llamacpp": ("repetition_penalty", "min_tokens"),
    "library": ("top_k", "min_p", "repetition_penalty", "min_tokens"),
}
"""Keys of sampling that such a server passes over."""


def is_chat(config: EngineConfig) -> bool:
    """Tell whether the server puts its chat template around the prompt.

    With a template of the user's own the prompt is a finished conversation: a completion.
    """
    return config.chat and config.entry.get("chat_template") in OWN_TEMPLATE_CHOICES


def is_sampled(config: EngineConfig) -> bool:
    """Tell whether tokens are sampled: above temperature 0, or where the server chooses it."""
    return config.sampling.temperature > 0 or config.options.get("temperature", 0) is None


def request_body(config: EngineConfig, off: Mapping[str, float] | None = None) -> dict[str, Any]:
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
    made |= {**(off or {}), **wanted.optional_keys(is_sampled(config)), **_token_limit(config)}
    made |= {
        key: value for key, value in options.items() if key not in SPEED_OPTIONS | CLIENT_OPTIONS
    }
    if not made.get("stream"):
        made.pop("stream_options", None)
    kept = {key: value for key, value in made.items() if value is not None}
    return {**kept, **_extra_body(config)}


def _token_limit(config: EngineConfig) -> dict[str, Any]:
    """Return max_completion_tokens where max_tokens is null, as OpenAI's newer models want."""
    left_out = "max_tokens" in config.options and config.options["max_tokens"] is None
    return (
        {"max_completion_tokens": config.sampling.max_tokens}
        if left_out and is_chat(config)
        else {}
    )


def _extra_body(config: EngineConfig) -> dict[str, Any]:
    """Return extra_body, with the entry's arguments of the chat template merged in."""
    extra = dict(config.options.get("extra_body") or {})
    if is_chat(config) and (chosen := chat_arguments(config.entry)):
        extra["chat_template_kwargs"] = chosen
    return extra


def has_no_token_limit(sent: Mapping[str, Any]) -> bool:
    """Tell whether a request leaves the length of the answer to the server."""
    return not {"max_tokens", "max_completion_tokens", "max_new_tokens"} & {*sent}


class Server(NamedTuple):
    """A server by ``owned_by`` (None: unknown), the request body, and sampling keys it decides."""

    name: str | None
    body: dict[str, Any]
    decided_keys: list[str]

    def about(self) -> dict[str, Any]:
        """Return what the record of a run says of it."""
        keys = {*NEUTRAL_VALUES, "repeat_penalty"}
        sent = {key: value for key, value in self.body.items() if key in keys}
        return {"server": self.name, "sampling_sent": sent, "sampling_unknown": self.decided_keys}


async def ask_server(client: "AsyncOpenAI", config: EngineConfig) -> Server:
    """Ask a server for its models; UserError for a key of sampling that it would pass over."""
    place, name = config.entry["endpoint"], await server_name(client, config)
    if lost := [
        key
        for key in config.sampling.optional_keys()
        if key in LACKING_BY_SERVER.get(name or "", ())
    ]:
        raise UserError(
            f"{place} ({name}) has no {lost[0]}; remove the key, or write what it has instead into "
            "the model's options.extra_body"
        )
    sent = request_body(config, neutral_values(name, config))
    unknown = [] if urlsplit(place).hostname == OPENAI_HOST else unset_keys(name, config, sent)
    if unknown:
        logger.warning(
            "%s decides %s by itself, as nothing sets it and the server is not known to take a "
            "neutral value; set it in the model's entry if it does",
            place,
            ", ".join(unknown),
        )
    return Server(name, sent, unknown)


async def server_name(client: "AsyncOpenAI", config: EngineConfig) -> str | None:
    """Return ``owned_by`` of the model, or of all models of the list; None where unknown."""
    ways = {key: config.options.get(key) for key in ("extra_headers", "extra_query")}
    try:
        async with asyncio.timeout(
            min(MODEL_LIST_TIMEOUT, float(config.options.get("timeout", MODEL_LIST_TIMEOUT)))
        ):
            answer = await client.models.with_raw_response.list(**ways)
        return find_owner(answer.http_response.json(), config.entry["served_name"])
    except Exception as error:  # a server need not have such a list, nor give it to us
        logger.debug("no list of models: %r", error)
        return None


def find_owner(answer: Any, model: str) -> str | None:
    """Return who owns a model by the server's list of models, else who owns them all."""
    cards = [one for one in answer["data"] if isinstance(one.get("owned_by"), str)]
    owners = {one["owned_by"] for one in cards if one.get("id") == model}
    owners = owners or {one["owned_by"] for one in cards}
    return owners.pop()[:80] if len(owners) == 1 else None


def neutral_values(name: str | None, config: EngineConfig) -> Mapping[str, float]:
    """Return the values that switch off a known server's own sampling; nothing for another."""
    known = NEUTRAL_VALUES_BY_SERVER.get(name or "", {})
    return {
        key: value
        for key, value in known.items()
        if is_sampled(config) or key not in STOCHASTIC_KEYS
    }


def unset_keys(name: str | None, config: EngineConfig, sent: Mapping[str, Any]) -> list[str]:
    """Return the sampling keys that matter but are not in the request, sorted."""
    idle = {"min_tokens", *(() if is_sampled(config) else STOCHASTIC_KEYS)}
    names = NAMES_BY_SERVER.get(name or "", {})
    return sorted(key for key in NEUTRAL_VALUES.keys() - idle if names.get(key, key) not in sent)
