"""Search over the vectors of an encoder, stored as float16: exact, or by FAISS on request."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.indexing import int8_codes, vectors
from slmrag.indexing.dense import BUILD, encoder_digest
from slmrag.models import encoder as encoders
from slmrag.models import transformer
from slmrag.retrieval import ann
from slmrag.retrieval.exact import search as exact
from slmrag.retrieval.hits import Hits

__all__ = ["BUILD", "search"]


def search(index: Path, questions: Sequence[str], depth: int, params: Mapping[str, Any]) -> Hits:
    """Return each question's passages of largest inner product."""
    if not params.get("query_encoder"):
        _refuse_other_checkpoint(index, params)
    encoder = encoders.encoder(params)
    asked = encoder.questions(questions)
    facts = encoder.facts("questions", len(questions))
    vectors.to_float16(asked, params.get("query_encoder") or params["encoder"])
    parts = vectors.vector_parts(index)
    if asked.shape[1] != parts[0].shape[1]:
        raise UserError(
            f"{index}: has vectors of {parts[0].shape[1]} dimensions, but questions become "
            f"vectors of {asked.shape[1]}; query_encoder does not belong to encoder"
        )
    if params["ann"] != "exact":
        return ann.search(parts, index, asked, depth, params).with_facts(**facts)
    found = exact.search(
        parts, asked, depth, transformer.choose_device(params), int8_codes.read_codes(index, parts)
    )
    return Hits.of(found).with_facts(**facts)


def _refuse_other_checkpoint(index: Path, params: Mapping[str, Any]) -> None:
    if params["about"]["encoder_digest"] != encoder_digest(params["checkpoint"]):
        raise UserError(
            f"{index}: was encoded with another checkpoint than {params['checkpoint']}; "
            "delete the folder and let index_passages build it again"
        )
