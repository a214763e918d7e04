"""How the keys of sampling reach an endpoint: OpenAI's own, and those that other servers add."""

from collections.abc import Mapping
from typing import Any

from slmrag.engines.base import Sampling

OWN = frozenset({"presence_penalty", "frequency_penalty"})


def keys(wanted: Sampling, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the asked keys that are OpenAI's own, and the extra body with all others."""
    asked = wanted.asked()
    own = {key: value for key, value in asked.items() if key in OWN}
    more = {key: value for key, value in asked.items() if key not in OWN}
    return own, {**more, **(options.get("extra_body") or {})}
