"""The chat template of a checkpoint, rendered by Jinja alone."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.config.chat_options import OWN_TEMPLATE_CHOICES
from slmrag.errors import UserError
from slmrag.models.tokenizer import tokenizer_config

if TYPE_CHECKING:
    from jinja2 import Environment

# Some templates print today's date: a fixed day keeps prompts, and so answers, the same.
# It is the default of Llama 3's template.
FIXED_DATE = "26 Jul 2024"


def template_of(checkpoint: Path) -> str | None:
    """Return the chat template that a checkpoint carries, or None for a base model."""
    path = checkpoint / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    template = tokenizer_config(checkpoint).get("chat_template")
    if isinstance(template, list):
        named = {one["name"]: one["template"] for one in template}
        if named and "default" not in named:
            raise UserError(
                f"{checkpoint / 'tokenizer_config.json'} has chat templates for "
                f"{', '.join(named)} and no default; set chat_template of the model to a Jinja file"
            )
        template = named.get("default")
    return template


def choose_template(choice: str | None, checkpoint: Path | None, needed: bool) -> str | None:
    """Return the chat template for an entry's ``chat_template``: auto, tokenizer, none or a path.

    ``auto`` takes the checkpoint's if it has one; ``tokenizer`` is an error if it has none, and so
    is ``auto`` if one is ``needed``, because the entry sets arguments that only a template reads.
    """
    if choice == "none":
        return None
    if choice not in OWN_TEMPLATE_CHOICES:
        return _template_file(Path(choice))
    found = template_of(checkpoint) if checkpoint else None
    if found is None and (choice == "tokenizer" or needed):
        what = f"the tokenizer in {checkpoint}" if checkpoint else "an engine without a tokenizer"
        raise UserError(
            f"{what} has no chat template; set chat_template of the model "
            "to a Jinja file; for a base model to none, without thinking and chat_template_kwargs"
        )
    return found


def _template_file(path: Path) -> str:
    if not path.is_file():
        raise UserError(
            f"chat_template: there is no file {path}; write auto, tokenizer, none or a path"
        )
    return path.read_text(encoding="utf-8")


def chat_renderer(template: str, names: Mapping[str, Any]) -> Callable[[str], str]:
    """Return a function from a prompt to a conversation of one user message, ready for an answer.

    ``names`` are special tokens and arguments. Unless they set them, tools and documents are null
    and enable_thinking is false.
    """
    from jinja2 import TemplateError

    given = {"tools": None, "documents": None, "enable_thinking": False, **names}
    try:
        compiled = jinja_environment().from_string(template)
        compiled.globals = dict(compiled.globals)
    except TemplateError as error:
        raise UserError(f"the chat template does not compile: {error}") from error

    def chat(prompt: str) -> str:
        messages = [{"role": "user", "content": prompt}]
        try:
            return compiled.render(messages=messages, add_generation_prompt=True, **given)
        except TemplateError as error:
            raise UserError(f"the chat template refuses the prompt: {error}") from error

    return chat


def jinja_environment() -> "Environment":
    """Return a Jinja environment as chat templates expect it: that of Transformers."""
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_generation_tag(), loopcontrols]
    )
    made.filters["tojson"] = _as_json
    made.globals.update(raise_exception=_raise_template_error, strftime_now=_today)
    return made


def _as_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Write JSON without HTML's escapes, with the arguments in Transformers' order."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _raise_template_error(message: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(message)


def _today(form: str) -> str:
    from datetime import datetime

    return datetime.strptime(FIXED_DATE, "%d %b %Y").strftime(form)


def _generation_tag() -> type:
    """Return a Jinja extension that renders ``{% generation %}`` blocks as they are."""
    from jinja2 import nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
            """Return the block as a call, so that variables set in it are local to it."""
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(self.call_method("_whole"), [], [], body).set_lineno(line)

        def _whole(self, caller: Callable[[], str]) -> str:
            return caller()

    return Generation
