"""Exact search over the vectors of an encoder, stored as float16."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag import encoders
from slmrag.errors import UserError
from slmrag.progress import bar
from slmrag.retrievers import corpus, vectors
from slmrag.retrievers.hits import Hits
from slmrag.retrievers.store import folder_digest

BUILD = {
    "encoder": None,
    "encoder_revision": None,
    "pooling": None,
    "passage_prefix": None,
    "normalize": None,
    "max_length": None,
}


def build(passages: Path, index: Path, params: Mapping[str, Any]) -> dict[str, Any]:
    """Encode a corpus into ``vectors.npy``, float16 [passages, dimensions]."""
    encoder = encoders.encoder(params)
    total, table, done = corpus.size(passages), None, 0
    with bar(total=total, desc="encode passages", unit="passage") as progress:
        for block in corpus.blocks(passages, "title", "text", rows=1_024):
            found = encoder.passages(block["title"].to_list(), block["text"].to_list())
            if table is None:
                table = vectors.create(index / "vectors.npy", total, found.shape[1])
            table[done : done + len(found)] = found
            done += len(found)
            progress.update(len(found))
    return {"encoder_digest": _digest(params), "recipe": encoder.recipe.record()}


def search(index: Path, questions: Sequence[str], depth: int, params: Mapping[str, Any]) -> Hits:
    """Return each question's passages of largest inner product."""
    about = params["about"]
    if about["encoder_digest"] != _digest(params):
        raise UserError(
            f"{index}: was encoded by another checkpoint than {params['checkpoint']}; "
            "delete the folder and let index_passages build it again"
        )
    table = np.load(index / "vectors.npy", mmap_mode="r")
    asked = encoders.encoder(params).questions(questions)
    return Hits.of(vectors.search(table, asked, depth))


def _digest(params: Mapping[str, Any]) -> str:
    return folder_digest(params["checkpoint"]) if params["checkpoint"] else encoders.HASHING
