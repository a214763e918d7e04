"""Whether a model reasons, by its entry and its chat template."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from slmrag.config.chat_options import GIVEN_ARGUMENTS, THINKING_SWITCHES, chat_arguments
from slmrag.config.reasoning_tags import REASONING_TAGS
from slmrag.errors import UserError, nearest
from slmrag.models.reasoning import ends_reasoning, has_reasoning_tag, open_reasoning

PROBE_QUESTION = "Who wrote it?"

Entry = Mapping[str, Any]


class Chat(NamedTuple):
    """A chat template, and a function that renders a conversation of one prompt with it."""

    template: str
    render: Callable[[str], str]


def chat_of(entry: Entry, checkpoint: Path | None) -> Chat | None:
    """Return a model's chat template, or None if it has none.

    UserError for arguments of the entry that the template does not read.
    """
    from slmrag.models.chat_template import chat_renderer, choose_template
    from slmrag.models.tokenizer import template_tokens

    needed = bool(entry.get("thinking") or entry.get("chat_template_kwargs"))
    template = choose_template(entry.get("chat_template"), checkpoint, needed)
    if template is None:
        return None
    tokens = template_tokens(checkpoint) if checkpoint else {}
    chat = Chat(template, chat_renderer(template, tokens | chat_arguments(entry)))
    check_chat_arguments(entry, chat)
    return chat


def check_chat_arguments(entry: Entry, chat: Chat) -> None:
    """Raise UserError for arguments of an entry that the chat template does not read."""
    read = template_variables(chat.template)
    arguments, thinking = entry.get("chat_template_kwargs") or {}, entry.get("thinking")
    for name in arguments:
        if name not in read:
            hint = nearest(name, read) or f"; {_switches(read)}"
            raise UserError(f"chat_template_kwargs.{name}: the chat template never reads it{hint}")
    if thinking is None or "enable_thinking" in read:
        return
    reasons = makes_model_reason(chat)
    if thinking and not reasons and not any(arguments.get(name) for name in THINKING_SWITCHES):
        hint = f"{_switches(read)}; remove the key, or set chat_template_kwargs to what it reads"
        if "thinking" in read:
            hint = (
                "it reads thinking: remove the key and set chat_template_kwargs: {thinking: true}"
            )
        raise UserError(f"thinking: true: the chat template never reads enable_thinking; {hint}")
    if reasons and not thinking:
        raise UserError(
            "thinking: false: the chat template makes the model reason anyway and never reads "
            f"enable_thinking; {_switches(read)}; remove the key, or name another chat_template"
        )


def _switches(read: frozenset[str]) -> str:
    """Say which names a chat template reads that an entry could set."""
    usual = {"bos_token", "eos_token", "tools", "documents", *GIVEN_ARGUMENTS}
    return f"it reads {', '.join(sorted(read - usual)) or 'no switch'}"


def template_variables(template: str) -> frozenset[str]:
    """Return the variables that a chat template reads, by its syntax tree."""
    from jinja2 import TemplateError, meta

    from slmrag.models.chat_template import jinja_environment

    jinja = jinja_environment()
    try:
        found = meta.find_undeclared_variables(jinja.parse(template))
    except TemplateError as error:
        raise UserError(f"the chat template does not compile: {error}") from error
    return frozenset(found - {*jinja.globals})


def is_to_reason(entry: Entry, chat: Chat | None) -> bool:
    """Tell whether a model will reason, so that stop strings must not apply before it has.

    The entry or the template decides. ``chat`` is None without a template, or for an endpoint's.
    """
    choice = entry.get("reasoning") or "auto"
    if choice != "auto":
        return choice != "none"
    template_arguments = chat_arguments(entry)
    if any(template_arguments.get(name) for name in THINKING_SWITCHES) or _echoes_reasoning(entry):
        return True
    return chat is not None and makes_model_reason(chat)


def makes_model_reason(chat: Chat) -> bool:
    """Tell whether a chat template, with its arguments, makes the model reason.

    It does if the rendered text opens a reasoning or has a family's tags, or if it is gpt-oss's.
    """
    prompt = chat.render(PROBE_QUESTION)
    if open_reasoning(prompt) or ends_reasoning(prompt):
        return not ends_reasoning(prompt)
    channels = REASONING_TAGS["harmony"][0].begin
    return has_reasoning_tag(prompt) or any(one in chat.template for one in channels)


def _echoes_reasoning(entry: Entry) -> bool:
    answer = (entry.get("options") or {}).get("answer")
    return entry.get("engine") == "echo" and isinstance(answer, str) and has_reasoning_tag(answer)
