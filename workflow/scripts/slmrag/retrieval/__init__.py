"""Kinds of retriever behind one interface; a new kind is one module and one line in ``KINDS``.

A kind with an index has a ``search`` (``Searcher``) and what ``slmrag.indexing.Builder`` asks for.
If that is long, it has its own module in ``slmrag.indexing``, so that an edit of the search
rebuilds no index. A kind over other retrievers' hits has only ``combine`` (``Combiner``).
``SEARCH`` names a kind's other keys, where the config has no class for it (docs/retrievers.md).
``params`` are the entry's keys, those of the hardware, and ``checkpoint``, the encoder's folder.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from slmrag.errors import UserError, nearest

if TYPE_CHECKING:
    from slmrag.retrieval.hits import Hits


class Searcher(Protocol):
    """A module that searches an index."""

    def search(
        self, index: Path, questions: Sequence[str], depth: int, params: Mapping[str, Any]
    ) -> "Hits":
        """Return each question's ``depth`` best passages."""


class Combiner(Protocol):
    """A module that combines other retrievers' hits."""

    def combine(
        self,
        runs: "Sequence[Hits]",
        questions: Sequence[str],
        passages: Path,
        depth: int,
        params: Mapping[str, Any],
    ) -> "Hits":
        """Return each question's ``depth`` best passages of those that ``runs`` found."""


Kind = Searcher | Combiner


def _rank_bm25() -> Searcher:
    from slmrag.retrieval import rank_bm25

    return rank_bm25


def _dense() -> Searcher:
    from slmrag.retrieval import dense

    return dense


def _rrf() -> Combiner:
    from slmrag.retrieval import rrf

    return rrf


def _rerank() -> Combiner:
    from slmrag.retrieval import rerank

    return rerank


def _lucene() -> Searcher:
    from slmrag.retrieval import lucene

    return lucene


def _bm25s() -> Searcher:
    from slmrag.retrieval import bm25s

    return bm25s


KINDS: dict[str, Callable[[], Kind]] = {
    "rank_bm25": _rank_bm25,
    "bm25s": _bm25s,
    "lucene": _lucene,
    "dense": _dense,
    "rrf": _rrf,
    "rerank": _rerank,
}


def retriever(kind: str) -> Kind:
    """Return the module of a kind of retriever; UserError where there is none."""
    if kind not in KINDS:
        hint = nearest(kind, KINDS) or f"; known: {', '.join(KINDS)}"
        raise UserError(f"no retriever is of kind '{kind}'{hint}")
    return KINDS[kind]()
