"""Prompts: a Jinja template, a question and its passages in; a text out."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from slmrag.errors import UserError

if TYPE_CHECKING:
    from jinja2 import Template

Passage = dict[str, str]
EXAMPLE: list[Passage] = [{"id": "0", "title": "title", "text": "text"}]


def prompt_digest(text: str) -> str:
    """Return the digest that a rendered prompt is known by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=64)
def compiled(template: str) -> "Template":
    """Compile a prompt template in Jinja's sandbox; what a data set says is never a template."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made = environment.from_string(template)
    made.globals = dict(made.globals)  # Jinja copies them for each prompt, a ChainMap slowly
    return made


def checked(template: str, name: str) -> str:
    """Return the template, or say in one sentence what is wrong with the file ``name``."""
    from jinja2 import TemplateError, TemplateSyntaxError

    try:
        for passages in ([], EXAMPLE):
            if "Who wrote it?" not in render(template, "Who wrote it?", passages):
                raise UserError(f"{name}: the prompt lacks {{{{ question }}}}; put it in")
    except TemplateSyntaxError as error:
        raise UserError(f"{name}, line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise UserError(
            f"{name}: {error.message}; a prompt knows question and passages (id, title, text)"
        ) from error
    return template


def render(template: str, question: str, passages: Sequence[Passage]) -> str:
    """Render a prompt; templates see ``question`` and ``passages`` (each id, title, text)."""
    return compiled(template).render(question=question, passages=passages)
