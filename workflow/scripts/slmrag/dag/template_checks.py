"""Checks of templates by trial, before anything runs: do they show all that they are given?"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.errors import UserError

if TYPE_CHECKING:
    from slmrag.config.modes import ModeEntry

QUESTION = "Who wrote it?"


def read_template(path: str) -> str:
    """Return a template's text; UserError where there is none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"'{path}' cannot be read ({error.strerror}); name a Jinja template that exists"
        ) from None
    except UnicodeDecodeError:
        raise UserError(f"'{path}' is no text in UTF-8; save it as such") from None


def check_prompt_template(path: str, mode: "ModeEntry") -> None:
    """Raise UserError unless a mode's template shows the question and each passage.

    A passage counts as shown by its id, title or text. A template of a mode without context may
    name passages, but must work without them.
    """
    marks = [f"passage{number}mark" for number in range(mode.depth())]
    rendered = _render(path, lambda: _render_prompt(read_template(path), path, marks)).lower()
    shown = sum(mark in rendered for mark in marks)
    if marks and not shown:
        raise UserError(
            f"{path}: never shows {{{{ passages }}}}, so context: {mode.context} would be the same "
            "as context: none; loop over passages, or set context: none"
        )
    if shown < len(marks):
        raise UserError(
            f"{path}: shows {shown} of {len(marks)} passages; "
            f"loop over passages, or set passages: {shown}"
        )


def _render_prompt(text: str, path: str, marks: list[str]) -> str:
    from slmrag.prompts.template import check_template, render

    passages = [dict.fromkeys(("id", "title", "text"), mark) for mark in marks]
    return render(check_template(text, path), QUESTION, passages)


def check_judge_template(path: str) -> None:
    """Raise UserError unless a judge's template shows the references and the answer."""
    given = {"answers": ["reference1mark"], "answer": "answer1mark", "question": QUESTION}
    rendered = _render(path, lambda: _render_grading(read_template(path), given)).lower()
    for name, mark in (("answers", "reference1mark"), ("answer", "answer1mark")):
        if mark not in rendered:
            raise UserError(f"{path}: the prompt lacks {{{{ {name} }}}}; add it")


def _render_grading(text: str, given: dict[str, Any]) -> str:
    from slmrag.prompts.template import compile_template

    return compile_template(text).render(**given)


def check_chat_template(path: str) -> None:
    """Raise UserError unless a chat template compiles and shows the user's message."""
    if QUESTION not in _render(path, lambda: _render_chat(read_template(path))):
        raise UserError(f"{path}: it does not show message.content; add it")


def _render_chat(text: str) -> str:
    from slmrag.models.chat_template import chat_renderer

    return chat_renderer(text, {})(QUESTION)


def _render(path: str, make: Callable[[], str]) -> str:
    """Return what ``make`` renders; UserError names the file if it fails."""
    from jinja2 import TemplateSyntaxError

    try:
        return make()
    except TemplateSyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.message}") from None
    except Exception as error:  # a template can raise anything
        named = str(error) if path in str(error) else f"{path}: {error}"
        raise UserError(named) from None
