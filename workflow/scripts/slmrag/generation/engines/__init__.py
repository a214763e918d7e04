"""Engines behind one interface; a new engine is one module and one line in ``ENGINES``.

An engine's module has a class ``Engine`` (see ``base.Engine``) and imports its one heavy library
inside functions, so that asking for its version costs nothing.
"""

from importlib import import_module

from slmrag.errors import UserError, nearest
from slmrag.generation.engines.base import Engine

# Whole names, which the digest of code finds: one that is put together it would not see.
ENGINES = {
    "vllm": "slmrag.generation.engines.vllm",
    "transformers": "slmrag.generation.engines.transformers",
    "openai": "slmrag.generation.engines.openai",
    "echo": "slmrag.generation.engines.echo",
}


def engine(name: str) -> type[Engine]:
    """Return the class of an engine; UserError where there is none of that name."""
    if name not in ENGINES:
        hint = nearest(name, ENGINES) or f"; known: {', '.join(ENGINES)}"
        raise UserError(f"no engine is called '{name}'{hint}")
    return import_module(ENGINES[name]).Engine
