"""The index of the bm25s library: a matrix that holds the score of every term in every passage."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.data import passages as corpus
from slmrag.errors import UserError
from slmrag.indexing import memory_estimate
from slmrag.indexing.analyzer import analyzer, unspaced_facts
from slmrag.job.progress import bar

BUILD = {
    "tokenizer": "words",
    "stopwords": "none",
    "method": "lucene",
    "k1": 1.5,
    "b": 0.75,
    "delta": 0.5,
}
BYTES_PER_TERM = 60  # measured while building, see bench/retrieval


def build(passages: Path, index: Path, params: Mapping[str, Any]) -> dict[str, Any]:
    """Score every term of a corpus in every passage, and save the matrix."""
    from bm25s import BM25, __version__
    from bm25s.tokenization import Tokenized

    analyze = analyzer(params["tokenizer"], params["stopwords"], params.get("language"))
    memory_estimate.check_memory(passages, analyze, BYTES_PER_TERM, "bm25s", "lucene", params)
    vocabulary: defaultdict[str, int] = defaultdict()
    vocabulary.default_factory = vocabulary.__len__
    ids: list[list[int]] = []
    with bar(total=corpus.size(passages), desc="tokenize", unit="passage") as progress:
        for texts in corpus.texts(passages):
            ids += [list(map(vocabulary.__getitem__, analyze(text))) for text in texts]
            progress.update(len(texts))
    if not vocabulary:
        raise UserError(f"{passages}: no passage has a term")
    model = BM25(**{key: params[key] for key in ("method", "k1", "b", "delta")})
    model.index(Tokenized(ids, dict(vocabulary)), show_progress=False)
    model.save(index, show_progress=False)
    met = unspaced_facts(pl.Series(list(vocabulary), dtype=pl.String), params["tokenizer"])
    return {"bm25s": __version__, "postings": len(model.scores["data"]), **met}
