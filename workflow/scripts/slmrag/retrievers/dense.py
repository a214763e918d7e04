"""Search over the vectors of an encoder, stored as float16: exact, or by FAISS on request."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slmrag import encoders, reading, transformer
from slmrag.errors import UserError
from slmrag.files import read_json
from slmrag.retrievers import ann, codes, corpus, exact, vectors
from slmrag.retrievers.hits import Hits
from slmrag.retrievers.store import folder_digest

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
    """Encode a corpus into ``vectors-*.npy``, or take its shards, and put them into bytes."""
    if params.get("vectors"):
        vectors.join(params["vectors"], index, corpus.size(passages))
        facts = reading.together([read_json(path) for path in params["vector_facts"]])
    else:
        facts = encoders.encode_passages(passages, index / "vectors-00000.npy", params)
    codes.write(vectors.parts(index), index)
    found = ann.build(vectors.parts(index), index, params["ann"])
    how = encoders.recipe_of(params)
    known = {"encoder_digest": _digest(params["checkpoint"]), "recipe": how.record()}
    return {**known, **found, **facts}


def search(index: Path, questions: Sequence[str], depth: int, params: Mapping[str, Any]) -> Hits:
    """Return each question's passages of largest inner product."""
    if not params.get("query_encoder"):
        _refuse_another(index, params)
    encoder = encoders.encoder(params)
    asked = encoder.questions(questions)
    facts = encoder.facts("questions", len(questions))
    vectors.halved(asked, params.get("query_encoder") or params["encoder"])
    parts = vectors.parts(index)
    if asked.shape[1] != parts[0].shape[1]:
        raise UserError(
            f"{index}: has vectors of {parts[0].shape[1]} dimensions, but questions become "
            f"vectors of {asked.shape[1]}; query_encoder is not the other tower of encoder"
        )
    if params["ann"] != "exact":
        return ann.search(parts, index, asked, depth, params).saying(**facts)
    found = exact.search(parts, asked, depth, transformer.device(params), codes.read(index, parts))
    return Hits.of(found).saying(**facts)


def _refuse_another(index: Path, params: Mapping[str, Any]) -> None:
    if params["about"]["encoder_digest"] != _digest(params["checkpoint"]):
        raise UserError(
            f"{index}: was encoded by another checkpoint than {params['checkpoint']}; "
            "delete the folder and let index_passages build it again"
        )


def _digest(checkpoint: Path | None) -> str:
    return folder_digest(checkpoint) if checkpoint else encoders.HASHING
