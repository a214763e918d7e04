"""Joins questions with gold passages from other files."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.data.formats import reader
from slmrag.data.gold_match import Passage, normalized_text
from slmrag.data.gold_records import JOIN_KEYS, Key, read_gold
from slmrag.data.ids import normalize_ids
from slmrag.data.schemas import Question, passage
from slmrag.errors import UserError

log = logging.getLogger(__name__)

EMPTY_PARAGRAPH = passage("", "", "")
"""Stands for an empty paragraph in the range of a provenance."""
GoldByKey = Mapping[Key, list[dict[str, str]]]


def add_gold(
    placed: Sequence[tuple[Path, Question]], files: Sequence[Path], entry: Mapping[str, Any]
) -> list[Question]:
    """Return the questions with the gold passages that ``files`` hold for them.

    A record with a ``question_id`` or a ``question`` (compared in normal form) belongs to that
    question; one with an ``id`` only belongs to every question whose gold names it.
    """
    found, strays = _read_all_gold(_wanted_keys(placed), files, entry)
    if entry["format"] == "kilt" and not files:
        log.warning("without `gold` (KILT's knowledge source) these questions have no passages")
        return [question for _, question in placed]
    if any(kind == "question_id" for kind, _ in (*found, *strays)):
        _check_numbered_ids(placed, strays, files[0], "limit" in entry)
    for path, question in placed:
        _refuse_missing(path, question, found, files)
        for key in _question_keys(question):
            question.gold += [one for one in found.get(key, []) if one is not EMPTY_PARAGRAPH]
    if files and not any(question.gold for _, question in placed):
        first = f" (the first is by {strays[0][0]} {strays[0][1]!r})" if strays else ""
        raise UserError(
            f"{files[0]}: no passage in it belongs to a question of this set{first}; give each "
            f"record one of {', '.join(JOIN_KEYS)} as the questions have it"
        )
    return [question for _, question in placed]


def _question_keys(question: Question) -> list[Key]:
    ids = [("id", id) for id in question.gold_ids]
    named = ("question", normalized_text(question.question))
    return [("question_id", question.question_id), named, *ids]


def _wanted_keys(placed: Sequence[tuple[Path, Question]]) -> set[Key]:
    return {key for _, question in placed for key in _question_keys(question)}


def _refuse_missing(
    path: Path, question: Question, found: GoldByKey, files: Sequence[Path]
) -> None:
    for id in question.gold_ids:
        if ("id", id) not in found:
            where = ", ".join(map(str, files)) or "any file: name an object in the set's `gold`"
            raise UserError(
                f"{path}, line {question.line}: the gold passage '{id}' is not in {where}"
            )


def _check_numbered_ids(
    placed: Sequence[tuple[Path, Question]], strays: Sequence[Key], file: Path, limited: bool
) -> None:
    """Warn if gold is joined by ids that are only our numbers; UserError if it has other ids."""
    if not all(question.numbered for _, question in placed):
        return
    reason = "the questions have no ids of their own, and are numbered from 0"
    other = next((name for kind, name in strays if kind == "question_id"), None)
    if other is not None and not limited:
        raise UserError(
            f"{file}: the question_id {other!r} is not in this set: {reason}; give them ids, or "
            "join the gold by question"
        )
    log.warning("%s: is joined by question_id, but %s", file, reason)


def _read_all_gold(
    wanted: set[Key], files: Sequence[Path], entry: Mapping[str, Any]
) -> tuple[GoldByKey, list[Key]]:
    """Return the passages of the wanted keys, and the keys of all other passages."""
    of_kilt = "kilt" if entry["format"] == "kilt" else None
    kind = entry.get("gold_format", of_kilt)
    found: dict[Key, list[dict[str, str]]] = defaultdict(list)
    strays: list[Key] = []
    for path in files:
        passages = _read_corpus_gold(path, kind, wanted) if kind else read_gold(path)
        for key, gold in passages:
            if key in wanted:
                _refuse_other_text(key, gold, found[key], path)
                found[key].append(gold)
            else:
                strays.append(key)
    if strays and "limit" not in entry:
        log.warning(
            "%s: gold passages that belong to no question of this set: %d, the first by %s %r",
            *(files[0], len(strays), *strays[0]),
        )
    return dict(found), strays


def _refuse_other_text(key: Key, gold: Passage, known: Sequence[Passage], path: Path) -> None:
    if (
        key[0] == "id"
        and known
        and normalized_text(known[0]["text"]) != normalized_text(gold["text"])
    ):
        raise UserError(
            f"{path}: the gold passage '{key[1]}' occurs again with another text; rename one"
        )


def _read_corpus_gold(
    path: Path, kind: str, wanted: set[Key]
) -> Iterator[tuple[Key, dict[str, str]]]:
    """Yield the passages of a corpus file whose ids are wanted."""
    ids = pl.Series([id for name, id in wanted if name == "id"], dtype=pl.String).implode()
    of_kilt: dict[str, Any] = {"empty": True} if kind == "kilt" else {}
    for table in map(normalize_ids, reader(kind, "passages", **of_kilt)(path, {})):
        for row in table.filter(pl.col("id").is_in(ids)).iter_rows(named=True):
            found = passage(row["id"], row["title"], row["text"])
            yield ("id", row["id"]), EMPTY_PARAGRAPH if of_kilt and not row["text"] else found
