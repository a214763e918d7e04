"""Whether a template asks with all that it is given, tried out before anything runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrag.errors import UserError

if TYPE_CHECKING:
    from slmrag.config.modes import ModeEntry

QUESTION = "Who wrote it?"


def read(path: str) -> str:
    """Return a template's text; UserError where there is none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"'{path}' cannot be read ({error.strerror}); name a Jinja template that exists"
        ) from None
    except UnicodeDecodeError:
        raise UserError(f"'{path}' is no text in UTF-8; save it as such") from None


def try_prompt(path: str, mode: "ModeEntry") -> None:
    """Raise UserError unless a mode's template shows the question and each of its passages.

    Any of a passage's id, title and text will do. A template of a mode without context may name
    passages, but must do without.
    """
    marks = [f"passage{number}mark" for number in range(mode.depth())]
    made = _explained(path, lambda: _prompt(read(path), path, marks)).lower()
    shown = sum(mark in made for mark in marks)
    if marks and not shown:
        raise UserError(
            f"{path}: never shows {{{{ passages }}}}, so context: {mode.context} would be context: "
            "none by another name; loop over passages, or set context: none"
        )
    if shown < len(marks):
        raise UserError(
            f"{path}: shows {shown} of {len(marks)} passages; "
            f"loop over passages, or set passages: {shown}"
        )


def _prompt(text: str, path: str, marks: list[str]) -> str:
    from slmrag.prompts.template import check_template, render

    passages = [dict.fromkeys(("id", "title", "text"), mark) for mark in marks]
    return render(check_template(text, path), QUESTION, passages)


def try_judge(path: str) -> None:
    """Raise UserError unless a judge's template shows the references and the answer."""
    given = {"answers": ["reference1mark"], "answer": "answer1mark", "question": QUESTION}
    made = _explained(path, lambda: _grading(read(path), given)).lower()
    for name, mark in (("answers", "reference1mark"), ("answer", "answer1mark")):
        if mark not in made:
            raise UserError(f"{path}: the prompt lacks {{{{ {name} }}}}; put it in")


def _grading(text: str, given: dict[str, Any]) -> str:
    from slmrag.prompts.template import compile_template

    return compile_template(text).render(**given)


def try_chat(path: str) -> None:
    """Raise UserError unless a chat template compiles and says what the user says."""
    if QUESTION not in _explained(path, lambda: _chat(read(path))):
        raise UserError(f"{path}: the conversation lacks message.content; put it in")


def _chat(text: str) -> str:
    from slmrag.models.chat_template import chatter

    return chatter(text, {})(QUESTION)


def _explained(path: str, make: Callable[[], str]) -> str:
    """Return what is made; a UserError that names the file where it cannot be."""
    from jinja2 import TemplateSyntaxError

    try:
        return make()
    except TemplateSyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.message}") from None
    except Exception as error:  # a template's mistakes are of any kind
        named = str(error) if path in str(error) else f"{path}: {error}"
        raise UserError(named) from None
