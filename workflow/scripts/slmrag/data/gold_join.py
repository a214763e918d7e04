"""Finds the gold passages of questions in a corpus, in one pass over its tables."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.data.gold_match import (
    Key,
    Passage,
    first_chunk,
    group_equal,
    normalized_text,
    passage_keys,
)

WHITE_SPACE = r"\s\x1c-\x1f"
"""White space as in str.split."""
HEAD_WORDS = 4
HEAD_PATTERN = rf"^[{WHITE_SPACE}]*([^{WHITE_SPACE}]+(?: [^{WHITE_SPACE}]+){{0,{HEAD_WORDS - 1}}})"
"""The first words of a text, as long as single spaces separate them."""


@dataclass(frozen=True)
class GoldInCorpus:
    """The gold passages of one question in a corpus.

    ``passages`` counts them; ``places`` maps an id of the corpus to the number of its gold passage,
    from 0. ``by_id`` and ``by_text`` count those that were found by id, or only by text;
    ``other_text`` those whose id has another text in the corpus; ``chunked`` those that are not in
    the corpus, but chunks of the document with their id are.
    """

    passages: int
    places: Mapping[str, int] = field(default_factory=dict)
    by_id: int = 0
    by_text: int = 0
    other_text: int = 0
    chunked: int = 0

    @property
    def in_corpus(self) -> int:
        """The number of gold passages that the corpus has."""
        return self.by_id + self.by_text


class GoldJoin:
    """Finds the gold passages of questions in tables of passages.

    ``gold`` has a list of passages (id, text) per question. Only gold passages are kept, so memory
    does not grow with the corpus.
    """

    def __init__(self, gold: Sequence[Sequence[Passage]]) -> None:
        self.gold = gold
        self.wanted = {key for own in gold for one in own for key in passage_keys(one)}
        self.ids = {value for kind, value in self.wanted if kind == "id"}
        self.firsts = set(map(first_chunk, self.ids))
        self.held: dict[Key, list[Passage]] = defaultdict(list)
        self.chunked: set[str] = set()
        self.likely = self._likely()

    def _likely(self) -> pl.Expr:
        """Return a cheap test for rows; every wanted row passes it, and few others."""
        ids = pl.Series([*self.ids, *self.firsts], dtype=pl.String)
        texts = pl.Series([v for kind, v in self.wanted if kind == "text"], dtype=pl.String)
        likely = pl.col("id").is_in(ids.implode())
        if texts.is_empty():
            return likely
        return likely | text_head().is_in(possible_heads(texts).implode())

    def read(self, passages: Path) -> "GoldJoin":
        """Take a whole corpus, streaming; without gold nothing is read."""
        if self.wanted:
            rows = pl.scan_parquet(passages).select("id", "text").filter(self.likely)
            for table in rows.collect_batches():
                self.add(table)
        return self

    def add(self, table: pl.DataFrame) -> None:
        """Take a table of passages."""
        if not self.wanted:
            return
        for id, text in table.select("id", "text").filter(self.likely).iter_rows():
            found = {"id": id, "text": text}
            self.chunked |= {id} & self.firsts
            for key in self.wanted.intersection(passage_keys(found)):
                self.held[key].append(found)

    def results(self) -> list[GoldInCorpus]:
        """Return the gold of each question in the corpus."""
        return [self._result(own) for own in self.gold]

    def _result(self, gold: Sequence[Passage]) -> GoldInCorpus:
        wanted = {key for one in gold for key in passage_keys(one)}
        held = [one for key in wanted for one in self.held.get(key, ())]
        group = group_equal([*gold, *held])
        by_id = {group[key] for key in wanted if key[0] == "id" and key in self.held}
        there = {one["id"]: group["id", one["id"]] for one in held}
        every, absent = set(group.values()), set(group.values()) - set(there.values())
        other = {group["id", one["id"]] for one in gold if self._other_text(one)}
        chunks = {group["id", one["id"]] for one in gold if self._is_chunked(one)}
        by_text = set(there.values()) - by_id
        counts = map(len, (by_id, by_text, other, chunks & absent))
        return GoldInCorpus(len(every), there, *counts)

    def _other_text(self, gold: Passage) -> bool:
        """Tell whether the corpus has the passage's id, but with another text."""
        text = normalized_text(gold["text"] or "")
        held = self.held.get(("id", gold["id"] or ""), ())
        return bool(text) and any(normalized_text(one["text"]) != text for one in held)

    def _is_chunked(self, gold: Passage) -> bool:
        return bool(gold["id"]) and first_chunk(gold["id"]) in self.chunked


def text_head() -> pl.Expr:
    """Return the first words of the column ``text``, in NFC; null if there are none."""
    return pl.col("text").str.extract(HEAD_PATTERN).str.normalize("NFC")


def possible_heads(texts: Iterable[str]) -> pl.Series:
    """Return the possible values of ``head`` for texts with these normal forms."""
    split = [text.split(" ", HEAD_WORDS)[:HEAD_WORDS] for text in texts]
    found = {" ".join(words[:count]) for words in split for count in range(1, len(words) + 1)}
    return pl.Series(list(found), dtype=pl.String).str.normalize("NFC")


COUNT_NAMES = ("by_id", "by_text", "other_text", "chunked")


def count_gold(found: Iterable[GoldInCorpus]) -> dict[str, Any]:
    """Return how many gold passages of all questions were found, by kind of match."""
    found = list(found)
    return {f"gold_{name}": sum(getattr(one, name) for one in found) for name in COUNT_NAMES}
