"""BM25 by the bm25s library: scores are fixed when the index is built, and mapped from disk."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.errors import UserError
from slmrag.progress import bar
from slmrag.retrievers import budget, corpus
from slmrag.retrievers.analysis import analyser
from slmrag.retrievers.hits import Hits
from slmrag.retrievers.topk import bound, ranked

Array = np.ndarray

BUILD = {
    "tokenizer": "words",
    "stopwords": "none",
    "method": "lucene",
    "k1": 1.5,
    "b": 0.75,
    "delta": 0.5,
}
BYTES_A_TERM = 60  # measured while building, see bench/retrieval


def build(passages: Path, index: Path, params: Mapping[str, Any]) -> dict[str, Any]:
    """Score every term of a corpus in every passage, and save the matrix."""
    from bm25s import BM25, __version__
    from bm25s.tokenization import Tokenized

    analyse = analyser(params["tokenizer"], params["stopwords"])
    budget.check(passages, analyse, BYTES_A_TERM, "bm25s", "lucene", params)
    vocabulary: defaultdict[str, int] = defaultdict()
    vocabulary.default_factory = vocabulary.__len__
    ids: list[list[int]] = []
    with bar(total=corpus.size(passages), desc="tokenize", unit="passage") as progress:
        for texts in corpus.texts(passages):
            ids += [list(map(vocabulary.__getitem__, analyse(text))) for text in texts]
            progress.update(len(texts))
    if not vocabulary:
        raise UserError(f"{passages}: no passage has a term")
    model = BM25(**{key: params[key] for key in ("method", "k1", "b", "delta")})
    model.index(Tokenized(ids, dict(vocabulary)), show_progress=False)
    model.save(index, show_progress=False)
    return {"bm25s": __version__, "postings": len(model.scores["data"])}


def search(index: Path, questions: Sequence[str], depth: int, params: Mapping[str, Any]) -> Hits:
    """Return each question's best passages among those that gain from one of its terms."""
    from bm25s import BM25

    analyse = analyser(params["tokenizer"], params["stopwords"])
    model = BM25.load(index, mmap=True, show_progress=False)
    queries = [model.get_tokens_ids(analyse(question)) for question in questions]
    return Hits.of(_best(model, query, depth) for query in bar(queries, desc="search", unit="q"))


def _best(model: Any, query: list[int], depth: int) -> tuple[Array, Array]:
    if not query:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    scores, without = model.get_scores_from_ids(query), model.nonoccurrence_array
    floor = 0.0 if without is None else without[query].sum()
    least = bound(scores, depth)
    rows = np.flatnonzero(scores >= least if least > floor else scores > floor)
    return ranked(rows, scores[rows], depth)
