"""Kinds of retriever behind one interface; a new kind is one module and one line in ``KINDS``.

A kind with an index has ``BUILD`` (the keys that its index depends on, with their defaults),
``build(passages, index, params) -> dict`` (fills the folder ``index``, returns what else its
``index.json`` should say) and ``search(index, questions, depth, params) -> Hits``. A kind over
other retrievers' hits has ``combine(runs, questions, passages, depth, params) -> Hits`` alone.
Where the building is much, ``BUILD`` and ``build`` stand in ``slmrag.indexing``, and an edit of the
search rebuilds no index.
``SEARCH`` names a kind's other keys, where the config has no class for it (docs/retrievers.md).
``params`` are the entry's keys, those of the hardware, and ``checkpoint``, the encoder's folder.
"""

from collections.abc import Callable
from types import ModuleType

from slmrag.errors import UserError, nearest


def _rank_bm25() -> ModuleType:
    from slmrag.retrieval import rank_bm25

    return rank_bm25


def _dense() -> ModuleType:
    from slmrag.retrieval import dense

    return dense


def _rrf() -> ModuleType:
    from slmrag.retrieval import rrf

    return rrf


def _rerank() -> ModuleType:
    from slmrag.retrieval import rerank

    return rerank


def _lucene() -> ModuleType:
    from slmrag.retrieval import lucene

    return lucene


def _bm25s() -> ModuleType:
    from slmrag.retrieval import bm25s

    return bm25s


KINDS: dict[str, Callable[[], ModuleType]] = {
    "rank_bm25": _rank_bm25,
    "bm25s": _bm25s,
    "lucene": _lucene,
    "dense": _dense,
    "rrf": _rrf,
    "rerank": _rerank,
}


def retriever(kind: str) -> ModuleType:
    """Return the module of a kind of retriever; UserError where there is none."""
    if kind not in KINDS:
        hint = nearest(kind, KINDS) or f"; known: {', '.join(KINDS)}"
        raise UserError(f"no retriever is of kind '{kind}'{hint}")
    return KINDS[kind]()
