"""What a model's entry tells its chat template, and whether a reasoning comes of it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from slmrag.config.chat_options import GIVEN_ARGUMENTS, THINKING_SWITCHES, arguments
from slmrag.config.reasoning_tags import FAMILIES
from slmrag.errors import UserError, nearest
from slmrag.models.reasoning import closed_by, opened_by, tagged

PROBE = "Who wrote it?"

Entry = Mapping[str, Any]


class Chat(NamedTuple):
    """A chat template, and what renders a conversation of one prompt with it."""

    template: str
    render: Callable[[str], str]


def chat_of(entry: Entry, checkpoint: Path | None) -> Chat | None:
    """Return how a model's prompts become conversations, or None where it has no template.

    UserError for what the entry tells the template that it does not read.
    """
    from slmrag.models.chat_template import chatter, choose_template
    from slmrag.models.tokenizer import template_names

    needed = bool(entry.get("thinking") or entry.get("chat_template_kwargs"))
    template = choose_template(entry.get("chat_template"), checkpoint, needed)
    if template is None:
        return None
    tokens = template_names(checkpoint) if checkpoint else {}
    chat = Chat(template, chatter(template, tokens | arguments(entry)))
    check(entry, chat)
    return chat


def check(entry: Entry, chat: Chat) -> None:
    """Raise UserError for a wish that the chat template does not read."""
    read = variables(chat.template)
    own, asked = entry.get("chat_template_kwargs") or {}, entry.get("thinking")
    for name in own:
        if name not in read:
            known = nearest(name, read) or f"; {_reads(read)}"
            raise UserError(f"chat_template_kwargs.{name}: the chat template never reads it{known}")
    if asked is None or "enable_thinking" in read:
        return
    always = has_it_reason(chat)
    if asked and not always and not any(own.get(name) for name in THINKING_SWITCHES):
        raise UserError(
            "thinking: true: the chat template never reads enable_thinking; "
            + ("it reads thinking: remove the key and set chat_template_kwargs: {thinking: true}"
               if "thinking" in read else
               f"{_reads(read)}; remove the key, or set chat_template_kwargs to what it reads")
        )  # fmt: skip
    if always and not asked:
        raise UserError(
            "thinking: false: the chat template has the model reason all the same and never reads "
            f"enable_thinking; {_reads(read)}; remove the key, or name another chat_template"
        )


def _reads(read: frozenset[str]) -> str:
    usual = {"bos_token", "eos_token", "tools", "documents", *GIVEN_ARGUMENTS}
    return f"it reads {', '.join(sorted(read - usual)) or 'no switch'}"


def variables(template: str) -> frozenset[str]:
    """Return the names that a chat template takes from outside, by its syntax tree."""
    from jinja2 import TemplateError, meta

    from slmrag.models.chat_template import environment

    jinja = environment()
    try:
        found = meta.find_undeclared_variables(jinja.parse(template))
    except TemplateError as error:
        raise UserError(f"the chat template does not compile: {error}") from error
    return frozenset(found - {*jinja.globals})


def reasons(entry: Entry, chat: Chat | None) -> bool:
    """Tell whether a model is to reason, so that stop strings must wait until it has.

    It is where the entry or the template says so. ``chat`` is None where there is no template, or
    it is an endpoint's.
    """
    choice = entry.get("reasoning") or "auto"
    if choice != "auto":
        return choice != "none"
    told = arguments(entry)
    if any(told.get(name) for name in THINKING_SWITCHES) or _echoes_one(entry):
        return True
    return chat is not None and has_it_reason(chat)


def has_it_reason(chat: Chat) -> bool:
    """Tell whether a template has the model reason, as it is asked to.

    What it renders opens a reasoning, or tells of a family's tags; or it is that of gpt-oss.
    """
    prompt = chat.render(PROBE)
    if opened_by(prompt) or closed_by(prompt):
        return not closed_by(prompt)
    channels = FAMILIES["harmony"][0].begin
    return tagged(prompt) or any(one in chat.template for one in channels)


def _echoes_one(entry: Entry) -> bool:
    answer = (entry.get("options") or {}).get("answer")
    return entry.get("engine") == "echo" and isinstance(answer, str) and tagged(answer)
