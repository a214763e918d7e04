"""What "this passage is gold" means, for metrics, contexts and audits alike.

A passage is gold if it has the id of a gold passage, or the same text in normal form: Unicode NFC,
white space collapsed to single spaces and stripped. Case and punctuation count, titles do not; an
empty id or text equals nothing. Gold entries of one question with the same id or the same text are
one gold passage.

Two other relations: a passage contains a gold text, or is a piece of a gold document.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

Passage = Mapping[str, str]
Key = tuple[str, str]
"""What identifies a passage: ("id", an id) or ("text", a text in normal form)."""
PassageTest = Callable[[str, str], bool]
"""Takes a passage's id and text."""


@lru_cache(maxsize=256)
def normalized_text(text: str) -> str:
    """Return a text in NFC, with single spaces for white space and none at its ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def passage_keys(passage: Passage) -> list[Key]:
    """Return the keys of a passage, at most its id's and its text's."""
    found = ("id", passage["id"] or ""), ("text", normalized_text(passage["text"] or ""))
    return [key for key in found if key[1]]


def gold_rank(passages: Sequence[Passage], gold: Sequence[Passage]) -> int | None:
    """Return the rank, from 1, of the first passage that is gold; None if none is."""
    wanted = {key for one in gold for key in passage_keys(one)}
    ranked = enumerate(passages, 1)
    return next((n for n, one in ranked if not wanted.isdisjoint(passage_keys(one))), None)


def group_equal(passages: Iterable[Passage]) -> dict[Key, int]:
    """Return the number, from 0, of each key's passage; entries with a common key are one."""
    sets: dict[Key, set[Key]] = {}
    for passage in passages:
        own = set(passage_keys(passage))
        own = own.union(*(sets[key] for key in own if key in sets))
        sets |= dict.fromkeys(own, own)
    numbers = {one: number for number, one in enumerate(dict.fromkeys(map(id, sets.values())))}
    return {key: numbers[id(one)] for key, one in sets.items()}


def distinct_gold(gold: Sequence[Passage]) -> list[Passage]:
    """Return the first entry of each gold passage, in their order."""
    group = group_equal(gold)
    first: dict[int | None, Passage] = {}
    for one in gold:
        first.setdefault(next((group[key] for key in passage_keys(one)), None), one)
    return list(first.values())


def holds_gold(gold: Sequence[Passage]) -> PassageTest:
    """Return a test of passages: is it gold, or does its text contain a whole gold text?"""
    ids, texts = _gold_ids(gold), _gold_texts(gold)
    return lambda id, text: id in ids or any(one in normalized_text(text) for one in texts)


def piece_of_gold(gold: Sequence[Passage]) -> PassageTest:
    """Return a test of passages: is it gold, or a piece of a gold passage?

    A piece is contained in a gold text, or is a chunk of the document with a gold id.
    """
    ids, texts = _gold_ids(gold), _gold_texts(gold)

    def holds(id: str, text: str) -> bool:
        piece = normalized_text(text)
        by_id = id in ids or document_of_chunk(id) in ids
        return by_id or (bool(piece) and any(piece in one for one in texts))

    return holds


RELATION_TESTS = {"gold_in_chunk": holds_gold, "chunk_of_gold": piece_of_gold}
"""Tests by their names among the metrics."""


def document_of_chunk(id: str) -> str:
    """Return the document of a chunk: d of d#n; an empty text for other ids."""
    name, _, number = id.rpartition("#")
    return name if number.isdecimal() else ""


def first_chunk(document: str) -> str:
    """Return the id of a document's first chunk."""
    return f"{document}#0"


def _gold_ids(gold: Sequence[Passage]) -> set[str]:
    return {one["id"] for one in gold if one["id"]}


def _gold_texts(gold: Sequence[Passage]) -> list[str]:
    return list({text for one in gold if (text := normalized_text(one["text"] or ""))})
