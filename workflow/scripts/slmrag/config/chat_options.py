"""The arguments that a model's entry gives its chat template, and where its keys disagree."""

from collections.abc import Mapping
from typing import Any

THINKING_SWITCHES = ("enable_thinking", "thinking")
"""The switch's name in templates: the first in Qwen3 and SmolLM3, the second in Granite and
DeepSeek."""

GIVEN_ARGUMENTS = frozenset({"messages", "add_generation_prompt"})

OWN_TEMPLATE_CHOICES = (None, "auto", "tokenizer")
"""Values of ``chat_template`` that mean the model's own template."""

Entry = Mapping[str, Any]


def chat_arguments(entry: Entry) -> dict[str, Any]:
    """Return the arguments of a chat template beside the conversation, merged from three keys.

    The keys are chat_template_kwargs, the same in an endpoint's extra_body, and thinking.
    """
    merged = {**body_arguments(entry), **(entry.get("chat_template_kwargs") or {})}
    thinking = entry.get("thinking")
    return merged if thinking is None else {**merged, "enable_thinking": thinking}


def merged_chat_arguments(entry: Entry) -> dict[str, Any]:
    """Return the merged arguments if several keys, or chat_template_kwargs, set them; else nothing.

    What a single other key sets is in the cache key already, as that key of the entry.
    """
    own, extra = entry.get("chat_template_kwargs"), body_arguments(entry)
    return chat_arguments(entry) if own or (extra and entry.get("thinking") is not None) else {}


def body_arguments(entry: Entry) -> dict[str, Any]:
    """Return the arguments that an endpoint's extra_body gives the chat template."""
    body = (entry.get("options") or {}).get("extra_body") or {}
    found = body.get("chat_template_kwargs") if isinstance(body, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def contradictions(entry: Entry) -> list[str]:
    """Return a sentence for each key that another contradicts, or that no template reads."""
    own, extra = entry.get("chat_template_kwargs") or {}, body_arguments(entry)
    thinking = entry.get("thinking")
    problems = [
        f"chat_template_kwargs.{name}: every chat template gets it anyway; remove it"
        for name in GIVEN_ARGUMENTS.intersection(own)
    ]
    problems += [
        f"chat_template_kwargs.{name}: options.extra_body says otherwise; remove one of them"
        for name in own
        if name in extra and own[name] != extra[name]
    ]
    problems += [
        f"chat_template_kwargs.{name}: thinking: {str(thinking).lower()} says otherwise; remove one"
        for name in THINKING_SWITCHES
        if thinking is not None and {**extra, **own}.get(name, thinking) != thinking
    ]
    if entry.get("chat_template") == "none" and (thinking or own):
        key = "thinking" if thinking else "chat_template_kwargs"
        problems.append(f"{key}: chat_template: none leaves no template to read it; remove one")
    return problems
