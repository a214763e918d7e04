"""Which server answers at an endpoint, and what it would draw by if nothing else were said."""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from slmrag.config.sampling import NEUTRAL_VALUES, STOCHASTIC_KEYS
from slmrag.errors import UserError
from slmrag.generation.engines.base import EngineConfig
from slmrag.generation.engines.openai_body import body, is_drawn

if TYPE_CHECKING:
    from openai import AsyncOpenAI

logger = logging.getLogger(__name__)
QUESTION_TIMEOUT = 5.0
OPENAI = "api.openai.com"
PENALTIES: dict[str, float] = {"presence_penalty": 0, "frequency_penalty": 0}
GENERATION_CONFIG: dict[str, float] = {
    **PENALTIES,
    "repetition_penalty": 1,
    "top_k": -1,
    "min_p": 0,
}
NEUTRAL_VALUES_BY_SERVER: dict[str, dict[str, float]] = {
    "vllm": GENERATION_CONFIG,
    "sglang": GENERATION_CONFIG,
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


class Server(NamedTuple):
    """A server by ``owned_by`` (None: not told), the body that it is sent, the keys it decides."""

    name: str | None
    body: dict[str, Any]
    unknown: list[str]

    def about(self) -> dict[str, Any]:
        """Return what the record of a run says of it."""
        keys = {*NEUTRAL_VALUES, "repeat_penalty"}
        sent = {key: value for key, value in self.body.items() if key in keys}
        return {"server": self.name, "sampling_sent": sent, "sampling_unknown": self.unknown}


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
    sent = body(config, neutral_values(name, config))
    unknown = [] if urlsplit(place).hostname == OPENAI else unset_keys(name, config, sent)
    if unknown:
        logger.warning(
            "%s decides %s by itself, as nothing sets it and the server is not known to take a "
            "neutral value; set it in the model's entry if it does",
            place,
            ", ".join(unknown),
        )
    return Server(name, sent, unknown)


async def server_name(client: "AsyncOpenAI", config: EngineConfig) -> str | None:
    """Return ``owned_by`` of the model, or of all models of the list, None where none is told."""
    ways = {key: config.options.get(key) for key in ("extra_headers", "extra_query")}
    try:
        async with asyncio.timeout(
            min(QUESTION_TIMEOUT, float(config.options.get("timeout", QUESTION_TIMEOUT)))
        ):
            answer = await client.models.with_raw_response.list(**ways)
        return owned_by(answer.http_response.json(), config.entry["served_name"])
    except Exception as error:  # a server need not have such a list, nor give it to us
        logger.debug("no list of models: %r", error)
        return None


def owned_by(told: Any, model: str) -> str | None:
    """Return who owns a model by a list of models, else who owns them all."""
    cards = [one for one in told["data"] if isinstance(one.get("owned_by"), str)]
    owners = {one["owned_by"] for one in cards if one.get("id") == model}
    owners = owners or {one["owned_by"] for one in cards}
    return owners.pop()[:80] if len(owners) == 1 else None


def neutral_values(name: str | None, config: EngineConfig) -> Mapping[str, float]:
    """Return what switches a known server's own wishes off; nothing for another."""
    known = NEUTRAL_VALUES_BY_SERVER.get(name or "", {})
    return {
        key: value for key, value in known.items() if is_drawn(config) or key not in STOCHASTIC_KEYS
    }


def unset_keys(name: str | None, config: EngineConfig, sent: Mapping[str, Any]) -> list[str]:
    """Return the keys of sampling that matter and that a request does not hold, sorted."""
    idle = {"min_tokens", *(() if is_drawn(config) else STOCHASTIC_KEYS)}
    names = NAMES_BY_SERVER.get(name or "", {})
    return sorted(key for key in NEUTRAL_VALUES.keys() - idle if names.get(key, key) not in sent)
