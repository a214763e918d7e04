"""Checks that a build fits into the job's memory, before it starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slmrag.data import passages as corpus
from slmrag.errors import UserError
from slmrag.indexing.analyzer import Analyzer

SAMPLED_PLACES, PASSAGES_PER_PLACE = 8, 200
BASE_BYTES = 300 * 2**20


def check_memory(
    passages: Path,
    analyze: Analyzer,
    bytes_a_term: float,
    kind: str,
    instead: str,
    hardware: Mapping[str, Any],
) -> int:
    """Return the bytes that a build may need; UserError if the job has fewer."""
    needed = BASE_BYTES + int(bytes_a_term * estimate_pairs(passages, analyze))
    has = available_bytes(hardware)
    if needed > has:
        raise UserError(
            f"{passages}: kind {kind} needs about {needed / 2**30:.1f} GiB to index it and has "
            f"{has / 2**30:.1f} GiB; give the job more memory (mem_mb), or use kind: {instead}"
        )
    return needed


def estimate_pairs(passages: Path, analyze: Analyzer) -> float:
    """Return about how many (passage, term) pairs a corpus has, from samples all over it."""
    texts = corpus.sample(passages, SAMPLED_PLACES, PASSAGES_PER_PLACE)
    return (
        sum(len(set(analyze(text))) for text in texts) / max(len(texts), 1) * corpus.size(passages)
    )


def available_bytes(hardware: Mapping[str, Any]) -> int:
    """Return the job's memory in bytes: what it asked for, or what the machine has free."""
    if hardware.get("mem_mb"):
        return hardware["mem_mb"] * 2**20
    import psutil

    return psutil.virtual_memory().available
