"""The limits of an MLflow server: characters of names and values, and sizes of requests."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from slmrag.files import digest

MAX_PARAM_CHARACTERS = 6000
MAX_TAG_CHARACTERS = 5000
"""Of servers before 2.20; newer ones take 8,000."""
MAX_NAME_CHARACTERS = 250
MAX_DATASET_NAME_CHARACTERS = 500
MAX_DATASET_DIGEST_CHARACTERS = 36
PARAMS_PER_BATCH = 100
TAGS_PER_BATCH = 100
METRICS_PER_BATCH = 900
"""A request takes 1,000 of all kinds together."""
MAX_BATCH_BYTES = 900_000
"""A request takes a million bytes, as JSON in ASCII."""
Item = TypeVar("Item")


def allowed_name(name: str) -> str:
    """Return a name in the characters, the form of a path, and the length that MLflow allows.

    A name that is cut ends in a digest, so that two long names stay different.
    """
    kept = "".join(c if c.isalnum() or c in "_-./ :" else "_" for c in name)
    parts = [part if part.strip(". ") else "_" for part in kept.split("/") if part]
    plain = "/".join(parts) or "_"
    plain = f"_{plain[1:]}" if plain.startswith("..") else plain
    if len(plain) <= MAX_NAME_CHARACTERS:
        return plain
    mark = digest(name)[:8]
    return f"{plain[: MAX_NAME_CHARACTERS - len(mark) - 1]}-{mark}"


def distinct_names(pairs: Iterable[tuple[str, Item]]) -> dict[str, Item]:
    """Return pairs by their allowed names; a second of the same name ends in a digest."""
    found: dict[str, Item] = {}
    for name, value in pairs:
        allowed = allowed_name(name)
        if allowed in found:
            mark = digest(name)[:8]
            allowed = f"{allowed[: MAX_NAME_CHARACTERS - len(mark) - 1]}-{mark}"
        found[allowed] = value
    return found


def shorten(value: Any, longest: int = MAX_PARAM_CHARACTERS) -> str:
    """Return a value as text within a limit; a shortened one says how long it was."""
    text = str(value)
    note = f"... [cut, {len(text)} characters]"
    return text if len(text) <= longest else text[: longest - len(note)] + note


def shorten_start(text: str, longest: int = MAX_TAG_CHARACTERS) -> str:
    """Return the end of a text within a limit; a shortened one says how long it was."""
    note = f"[cut, {len(text)} characters] ..."
    return text if len(text) <= longest else note + text[len(text) - longest + len(note) :]


def batches(
    items: Iterable[Item], count: int, written: Callable[[Item], str]
) -> Iterator[list[Item]]:
    """Yield the items in lists of at most ``count`` whose texts together fit into a request."""
    batch: list[Item] = []
    size = 0
    for item in items:
        own = len(json.dumps(written(item))) + 2 * MAX_NAME_CHARACTERS
        if batch and (len(batch) >= count or size + own > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += own
    if batch:
        yield batch
