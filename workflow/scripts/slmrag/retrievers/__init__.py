"""Kinds of retriever behind one interface; a new kind is one module and one line in ``KINDS``.

A kind with an index has ``build(passages, index, params) -> dict`` (writes the folder ``index``,
returns what its ``index.json`` should say of versions and digests) and ``search(index, questions,
depth, params) -> Hits``; a kind over other retrievers' hits has ``combine(runs, questions, depth,
params) -> Hits``.
"""

from collections.abc import Callable
from types import ModuleType

from slmrag.errors import UserError, nearest


def _rank_bm25() -> ModuleType:
    from slmrag.retrievers import rank_bm25

    return rank_bm25


def _dense() -> ModuleType:
    from slmrag.retrievers import dense

    return dense


KINDS: dict[str, Callable[[], ModuleType]] = {"rank_bm25": _rank_bm25, "dense": _dense}


def retriever(kind: str) -> ModuleType:
    """Return the module of a kind of retriever; UserError where there is none."""
    if kind not in KINDS:
        hint = nearest(kind, KINDS) or f"; known: {', '.join(KINDS)}"
        raise UserError(f"no retriever is of kind '{kind}'{hint}")
    return KINDS[kind]()
