"""Prompt templates in Jinja: a question and its passages become a text."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from slmrag.errors import UserError

if TYPE_CHECKING:
    from jinja2 import Template

Passage = dict[str, str]
EXAMPLE_PASSAGES: list[Passage] = [{"id": "0", "title": "title", "text": "text"}]


def prompt_digest(text: str) -> str:
    """Return the digest of a rendered prompt, which identifies it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=64)
def compile_template(template: str) -> "Template":
    """Compile a prompt template in Jinja's sandbox; texts of a data set are never templates."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made = environment.from_string(template)
    made.globals = dict(made.globals)  # Jinja copies them for each prompt, a ChainMap slowly
    return made


def check_template(template: str, name: str) -> str:
    """Return the template; UserError that says what is wrong with the file ``name``."""
    from jinja2 import TemplateError, TemplateSyntaxError

    try:
        for passages in ([], EXAMPLE_PASSAGES):
            if "Who wrote it?" not in render(template, "Who wrote it?", passages):
                raise UserError(f"{name}: the prompt lacks {{{{ question }}}}; put it in")
    except TemplateSyntaxError as error:
        raise UserError(f"{name}, line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise UserError(
            f"{name}: {error.message}; a template can use question and passages (id, title, text)"
        ) from error
    return template


def render(template: str, question: str, passages: Sequence[Passage]) -> str:
    """Render a prompt; templates see ``question`` and ``passages`` (each id, title, text)."""
    return compile_template(template).render(question=question, passages=passages)
