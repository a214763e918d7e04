"""Engines behind one interface; a new engine is one module and one line in ``ENGINES``.

An engine's module has a class ``Engine`` (see ``base.Engine``) and imports its one heavy library
inside functions, so that asking for its version costs nothing.
"""

from collections.abc import Callable

from slmrag.errors import UserError, nearest
from slmrag.generation.engines.base import Engine


def _vllm() -> type[Engine]:
    from slmrag.generation.engines import vllm

    return vllm.Engine


def _transformers() -> type[Engine]:
    from slmrag.generation.engines import transformers

    return transformers.Engine


def _openai() -> type[Engine]:
    from slmrag.generation.engines import openai

    return openai.Engine


def _echo() -> type[Engine]:
    from slmrag.generation.engines import echo

    return echo.Engine


ENGINES: dict[str, Callable[[], type[Engine]]] = {
    "vllm": _vllm,
    "transformers": _transformers,
    "openai": _openai,
    "echo": _echo,
}


def engine(name: str) -> type[Engine]:
    """Return the class of an engine; UserError where there is none of that name."""
    if name not in ENGINES:
        hint = nearest(name, ENGINES) or f"; known: {', '.join(ENGINES)}"
        raise UserError(f"no engine is called '{name}'{hint}")
    return ENGINES[name]()
