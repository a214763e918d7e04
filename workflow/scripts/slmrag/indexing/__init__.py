"""What builds the indexes of our kinds of retriever, apart from what searches them.

An edit of a search so rebuilds no index. A kind that is one module (docs/retrievers.md) builds its
index itself; one that is two has a line in ``BUILDERS`` and its ``BUILD`` and ``build`` here.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol


class Building(Protocol):
    """A module that builds an index; ``BUILD`` has the keys that it depends on, with defaults."""

    BUILD: dict[str, Any]

    def build(self, passages: Path, index: Path, params: Mapping[str, Any]) -> dict[str, Any]:
        """Fill the folder ``index``; return what else its ``index.json`` should say."""


def _rank_bm25() -> Building:
    from slmrag.indexing import rank_bm25

    return rank_bm25


def _bm25s() -> Building:
    from slmrag.indexing import bm25s

    return bm25s


def _lucene() -> Building:
    from slmrag.indexing import lucene

    return lucene


def _dense() -> Building:
    from slmrag.indexing import dense

    return dense


BUILDERS: dict[str, Callable[[], Building]] = {
    "rank_bm25": _rank_bm25,
    "bm25s": _bm25s,
    "lucene": _lucene,
    "dense": _dense,
}


def package_of(kind: str) -> str:
    """Return the package whose module of the kind's name builds its index."""
    return "indexing" if kind in BUILDERS else "retrieval"
