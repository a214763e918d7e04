"""The inverted index of the kind rank_bm25, which serves all its variants and weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.data import passages as corpus
from slmrag.errors import UserError
from slmrag.indexing import memory_estimate, postings
from slmrag.indexing.analyzer import analyzer, unspaced_facts

BUILD = {"tokenizer": "words", "stopwords": "none"}
BYTES_PER_POSTING = 14  # measured while building, see bench/retrieval


def build(passages: Path, index: Path, params: Mapping[str, Any]) -> dict[str, Any]:
    """Write the inverted index of a corpus."""
    analyze = analyzer(params["tokenizer"], params["stopwords"], params.get("language"))
    memory_estimate.check_memory(
        passages, analyze, BYTES_PER_POSTING, "rank_bm25", "lucene", params
    )
    total = corpus.size(passages)
    found = postings.write_postings(corpus.texts(passages), total, analyze, index)
    if not found:
        raise UserError(f"{passages}: no passage has a term to search for")
    terms = pl.read_parquet(index / "terms.parquet")["term"]
    return {"postings": found, **unspaced_facts(terms, params["tokenizer"])}
