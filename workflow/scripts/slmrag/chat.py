"""What a model reads: the chat template of its checkpoint, by Jinja alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.errors import UserError
from slmrag.tokenizing import settings, special_tokens

if TYPE_CHECKING:
    from jinja2 import Environment

# Some templates print today's date: a fixed day keeps prompts, and so answers, the same.
TODAY = "26 Jul 2024"


def template_of(checkpoint: Path) -> str | None:
    """Return the chat template that a checkpoint carries, or None for a base model."""
    path = checkpoint / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    template = settings(checkpoint).get("chat_template")
    if isinstance(template, list):
        named = {one["name"]: one["template"] for one in template}
        template = named.get("default", next(iter(named.values()), None))
    return template


def choose_template(choice: str | None, checkpoint: Path | None, thinking: bool) -> str | None:
    """Return the chat template for an entry's ``chat_template``: auto, tokenizer, none or a path.

    ``auto`` takes the checkpoint's if it has one; ``tokenizer`` is an error where it has none.
    """
    if choice == "none":
        return None
    if choice not in (None, "auto", "tokenizer"):
        return _template_file(Path(choice))
    found = template_of(checkpoint) if checkpoint else None
    if found is None and (choice == "tokenizer" or thinking):
        what = f"the tokenizer in {checkpoint}" if checkpoint else "an engine without a tokenizer"
        raise UserError(
            f"{what} has no chat template; set chat_template of the model "
            "to a Jinja file, or to none (and thinking to false) for a base model"
        )
    return found


def _template_file(path: Path) -> str:
    if not path.is_file():
        raise UserError(
            f"chat_template: there is no file {path}; write auto, tokenizer, none or a path"
        )
    return path.read_text(encoding="utf-8")


def chatter(template: str, config: dict[str, Any], thinking: bool) -> Callable[[str], str]:
    """Return what turns a prompt into a conversation of one user message, ready to be answered."""
    from jinja2 import TemplateError

    names = {**special_tokens(config), "enable_thinking": thinking}
    try:
        compiled = _environment().from_string(template)
        compiled.globals = dict(compiled.globals)
    except TemplateError as error:
        raise UserError(f"the chat template does not compile: {error}") from error

    def chat(prompt: str) -> str:
        messages = [{"role": "user", "content": prompt}]
        try:
            return compiled.render(messages=messages, add_generation_prompt=True, **names)
        except TemplateError as error:
            raise UserError(f"the chat template refuses the prompt: {error}") from error

    return chat


def _environment() -> "Environment":
    """Jinja as chat templates expect it, after Transformers' documentation of them."""
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_generation_tag(), loopcontrols]
    )
    environment.filters["tojson"] = lambda value, **options: json.dumps(
        value, **{"ensure_ascii": False, **options}
    )
    environment.globals.update(raise_exception=_refuse, strftime_now=_today)
    return environment


def _refuse(message: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(message)


def _today(form: str) -> str:
    from datetime import datetime

    return datetime.strptime(TODAY, "%d %b %Y").strftime(form)


def _generation_tag() -> type:
    """A Jinja extension that lets ``{% generation %}`` blocks through as they are."""
    from jinja2 import nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser

    class Generation(Extension):
        tags = frozenset({"generation"})

        def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
            """Return the block's own nodes."""
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    return Generation
