"""The passages of a corpus as vectors, block by block."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrag.data.passages import blocks, size
from slmrag.indexing import vectors
from slmrag.job.progress import bar
from slmrag.models.encoder import encoder
from slmrag.models.text_limits import Facts

BLOCK_PASSAGES = 256


def encode_passages(
    passages: Path, path: Path, params: Mapping[str, Any], shard: int = 0, shards: int = 1
) -> Facts:
    """Write the float16 vectors of one of ``shards`` equal parts of a corpus.

    Returns how many passages there are, and how many of them were cut.

    Memory holds one block of passages, whatever the size of the corpus.
    """
    total, done, model = size(passages), 0, encoder(params)
    first, end = total * shard // shards, total * (shard + 1) // shards
    table = vectors.create_array(path, end - first, model.passages([""], [""]).shape[1])
    with bar(total=end - first, desc="encode passages", unit="passage") as progress:
        for block in blocks(passages, "title", "text", rows=BLOCK_PASSAGES, first=first, end=end):
            found = model.passages(block["title"].to_list(), block["text"].to_list())
            table[done : done + len(found)] = vectors.to_float16(found, params["encoder"])
            done += len(found)
            progress.update(len(found))
    return model.facts("passages", done)
