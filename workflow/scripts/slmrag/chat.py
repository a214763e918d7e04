"""What a model reads: the chat template of its checkpoint, by Jinja alone, and its tokens."""

import json
import logging
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.errors import UserError

if TYPE_CHECKING:
    from jinja2 import Environment
    from tokenizers import Tokenizer

logger = logging.getLogger(__name__)
# Some templates print today's date: a fixed day keeps prompts, and so answers, the same.
TODAY = "26 Jul 2024"


class Tokens:
    """A checkpoint's tokenizer: texts to token ids, without transformers."""

    def __init__(self, checkpoint: Path) -> None:
        self._path = checkpoint / "tokenizer.json"
        self._settings = settings(checkpoint)

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        if not self._path.is_file():
            raise UserError(
                f"{self._path} is missing; save the tokenizer with transformers' "
                "AutoTokenizer.from_pretrained(...).save_pretrained(...) into the checkpoint"
            )
        try:
            tokenizer = Tokenizer.from_file(str(self._path))
        except Exception as error:
            raise UserError(f"{self._path} is no tokenizer ({error}); download it again") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _bos(self) -> list[int]:
        """The token to put first, where the settings ask for one that the tokenizer leaves out."""
        first = self._tokenizer.token_to_id(special_tokens(self._settings).get("bos_token", ""))
        if not self._settings.get("add_bos_token") or first is None:
            return []
        return [] if self._tokenizer.encode("a").ids[:1] == [first] else [first]

    def encode(self, texts: Sequence[str], special: bool) -> list[list[int]]:
        """Return the token ids of each text, with the special tokens around it if ``special``."""
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=special)
        first = self._bos if special else []
        return [first + one.ids for one in encoded]

    def at_most(self, text: str, limit: int, special: bool) -> bool:
        """Tell whether a text has at most ``limit`` tokens, counting only where it may matter."""
        if len(text.encode("utf-8", "replace")) + 8 <= limit:
            return True
        return len(self.encode([text], special)[0]) <= limit

    @cached_property
    def specials(self) -> re.Pattern[str] | None:
        """A pattern of the special tokens, which a text must not be able to forge."""
        from slmrag.files import read_json

        known = read_json(self._path).get("added_tokens", []) if self._path.is_file() else []
        names = [re.escape(token["content"]) for token in known if token.get("special")]
        return re.compile("|".join(sorted(names, key=len, reverse=True))) if names else None

    def defuse(self, text: str) -> str:
        """Put a space into each special token that a question or a passage spells out."""
        if self.specials is None or not self.specials.search(text):
            return text
        return self.specials.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def settings(checkpoint: Path) -> dict[str, Any]:
    """Return tokenizer_config.json, or nothing where the checkpoint has none."""
    path = checkpoint / "tokenizer_config.json"
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}); download the checkpoint again") from error


def special_tokens(config: dict[str, Any]) -> dict[str, str]:
    """Return bos_token, eos_token and their like, by name."""
    found = {key: value for key, value in config.items() if key.endswith("_token")}
    texts = {k: v["content"] if isinstance(v, dict) else v for k, v in found.items()}
    return {key: value for key, value in texts.items() if isinstance(value, str)}


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
        raise UserError(
            f"the tokenizer in {checkpoint} has no chat template; set chat_template of the model "
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
