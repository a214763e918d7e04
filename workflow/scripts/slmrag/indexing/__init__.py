"""Builds the indexes of the kinds of retriever; apart from ``retrieval``, which searches them.

So an edit of a search rebuilds no index. A kind of one module (docs/retrievers.md) builds its index
itself; a kind of two has a line in ``BUILDERS``, and its ``BUILD`` and ``build`` here.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol


class Builder(Protocol):
    """A module that builds an index; ``BUILD`` has the keys that it depends on, with defaults."""

    BUILD: dict[str, Any]

    def build(self, passages: Path, index: Path, params: Mapping[str, Any]) -> dict[str, Any]:
        """Fill the folder ``index``; return what else its ``index.json`` should say."""


def _rank_bm25() -> Builder:
    from slmrag.indexing import rank_bm25

    return rank_bm25


def _bm25s() -> Builder:
    from slmrag.indexing import bm25s

    return bm25s


def _lucene() -> Builder:
    from slmrag.indexing import lucene

    return lucene


def _dense() -> Builder:
    from slmrag.indexing import dense

    return dense


BUILDERS: dict[str, Callable[[], Builder]] = {
    "rank_bm25": _rank_bm25,
    "bm25s": _bm25s,
    "lucene": _lucene,
    "dense": _dense,
}


def package_of(kind: str) -> str:
    """Return the package whose module of the kind's name builds its index."""
    return "indexing" if kind in BUILDERS else "retrieval"
