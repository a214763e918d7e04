"""Nested samples of questions: a larger limit keeps the smaller sample."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from heapq import nsmallest
from typing import TypeVar

Item = TypeVar("Item")


def rank(seed: int, key: str) -> bytes:
    """Return the sort key of an item: ``seed`` fixes the order."""
    return hashlib.sha256(f"{seed}\0{key}".encode("utf-8", "surrogatepass")).digest()


def sample(
    items: Iterable[Item], limit: int | None, seed: int, key: Callable[[Item], str]
) -> Iterator[Item]:
    """Yield ``limit`` items (None: all) in the order of ``items``.

    They are the first by the digest of seed and key, so neither the limit nor other items change
    the order of two items.
    """
    if limit is None:
        yield from items
        return
    numbered = enumerate(items)
    chosen = nsmallest(limit, numbered, key=lambda pair: (rank(seed, key(pair[1])), pair[0]))
    yield from (item for _, item in sorted(chosen, key=lambda pair: pair[0]))
