"""The index of a dense retriever: vectors as float16 and int8, and by FAISS on request."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrag.data import passages as corpus
from slmrag.files import read_json
from slmrag.indexing import ann, int8_codes, vectors
from slmrag.indexing.encode_passages import encode_passages
from slmrag.indexing.index_folder import folder_digest
from slmrag.models import encoder, text_limits

BUILD = {
    "encoder": None,
    "encoder_revision": None,
    "pooling": None,
    "passage_prefix": None,
    "normalize": None,
    "max_length": None,
    "ann": "exact",
}


def build(passages: Path, index: Path, params: Mapping[str, Any]) -> dict[str, Any]:
    """Encode a corpus into ``vectors-*.npy``, or link its shards, and write int8 codes of them."""
    if params.get("vectors"):
        vectors.link_shards(params["vectors"], index, corpus.size(passages))
        facts = text_limits.merge_facts([read_json(path) for path in params["vector_facts"]])
    else:
        facts = encode_passages(passages, index / "vectors-00000.npy", params)
    int8_codes.write_codes(vectors.vector_parts(index), index)
    found = ann.build(vectors.vector_parts(index), index, params["ann"])
    settings = encoder.settings_of(params)
    known = {
        "encoder_digest": encoder_digest(params["checkpoint"]),
        "encoder_settings": settings.record(),
    }
    return {**known, **found, **facts}


def encoder_digest(checkpoint: Path | None) -> str:
    """Return a digest of the encoder's files, or the name of the stand-in without files."""
    return folder_digest(checkpoint) if checkpoint else encoder.HASHING
