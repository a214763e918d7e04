"""Gold passages that stand apart from their questions."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from slmrag.errors import UserError
from slmrag.gold_match import normal
from slmrag.readers import parquet_rows, reader
from slmrag.readers.delimited import rows_of
from slmrag.readers.fields import field, name_in
from slmrag.readers.ids import name as id_of
from slmrag.readers.ids import stripped
from slmrag.readers.kinds import refuse_stand_in
from slmrag.readers.layout import Layout
from slmrag.readers.records import json_lines
from slmrag.readers.shapes import Question, passage

log = logging.getLogger(__name__)

KEYS = ("question_id", "question", "id")
"""What a record of gold is joined by: the first of these that it has."""

EMPTY = passage("", "", "")
"""Stands for the empty paragraphs that a provenance spans."""
Key = tuple[str, str]
Found = Mapping[Key, list[dict[str, str]]]


def with_gold(
    placed: Sequence[tuple[Path, Question]], files: Sequence[Path], entry: Mapping[str, Any]
) -> list[Question]:
    """Return the questions with the gold passages that ``files`` hold for them.

    A record that has a ``question_id`` or a ``question`` (compared in normal form) belongs to that
    question; one that has only an ``id`` to every question whose gold names it.
    """
    found = _found(_wanted(placed), files, entry)
    if entry["format"] == "kilt" and not files:
        log.warning("without `gold` (KILT's knowledge source) these questions have no passages")
        return [question for _, question in placed]
    for path, question in placed:
        _refuse_missing(path, question, found, files)
        for key in _keys(question):
            question.gold += [one for one in found.get(key, []) if one is not EMPTY]
    if files and not any(question.gold for _, question in placed):
        raise UserError(
            f"{files[0]}: no passage in it belongs to a question of this set; give each record "
            f"one of {', '.join(KEYS)} as the questions have it"
        )
    return [question for _, question in placed]


def _keys(question: Question) -> list[Key]:
    ids = [("id", id) for id in question.gold_ids]
    named = ("question", normal(question.question))
    return [("question_id", question.question_id), named, *ids]


def _wanted(placed: Sequence[tuple[Path, Question]]) -> set[Key]:
    return {key for _, question in placed for key in _keys(question)}


def _refuse_missing(path: Path, question: Question, found: Found, files: Sequence[Path]) -> None:
    for id in question.gold_ids:
        if ("id", id) not in found:
            where = ", ".join(map(str, files)) or "any file: name an object in the set's `gold`"
            raise UserError(
                f"{path}, line {question.line}: the gold passage '{id}' is not in {where}"
            )


def _found(wanted: set[Key], files: Sequence[Path], entry: Mapping[str, Any]) -> Found:
    """Return the passages that some question wants, by what they are joined by."""
    of_kilt = "kilt" if entry["format"] == "kilt" else None
    kind = entry.get("gold_format", of_kilt)
    found: dict[Key, list[dict[str, str]]] = defaultdict(list)
    strays: list[str] = []
    for path in files:
        passages = _of_corpus(path, kind, wanted) if kind else _of_records(path)
        for key, gold in passages:
            if key in wanted:
                found[key].append(gold)
            else:
                strays.append(f"{key[0]} {key[1]!r}")
    if strays and "limit" not in entry:
        log.warning(
            "%s: gold passages that belong to no question of this set: %d, the first by %s",
            *(files[0], len(strays), strays[0]),
        )
    return dict(found)


def _of_corpus(path: Path, kind: str, wanted: set[Key]) -> Iterator[tuple[Key, dict[str, str]]]:
    """Yield the passages of a corpus file that are asked for by id."""
    ids = pl.Series([id for name, id in wanted if name == "id"], dtype=pl.String).implode()
    of_kilt = {"empty": True} if kind == "kilt" else {}
    for table in map(stripped, reader(kind, "passages", **of_kilt)(path, {})):
        for row in table.filter(pl.col("id").is_in(ids)).iter_rows(named=True):
            found = passage(row["id"], row["title"], row["text"])
            yield ("id", row["id"]), EMPTY if of_kilt and not row["text"] else found


def _of_records(path: Path) -> Iterator[tuple[Key, dict[str, str]]]:
    """Yield the passages of JSONL, CSV, TSV or Parquet, by the file's name."""
    refuse_stand_in(path, "parquet" if path.suffix == ".parquet" else "")
    for line, record in _records(path):
        names = {key: id_of(name_in(record, key, path, line)) for key in KEYS}
        key = next(filter(names.get, KEYS), None)
        if key is None:
            raise UserError(f"{path}, line {line}: none of {', '.join(KEYS)}; add one")
        text = field(record, "text", str, path, line)
        if not text.strip():
            raise UserError(f"{path}, line {line}: 'text' is empty; fill it in or remove it")
        gold = passage(names["id"], name_in(record, "title", path, line), text)
        yield (key, normal(names[key]) if key == "question" else names[key]), gold


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix == ".parquet":
        names = [name for name in (*KEYS, "title", "text") if name in parquet_rows.schema_of(path)]
        return parquet_rows.records_of(path, names)
    if ".csv" in path.suffixes:
        return rows_of(path, Layout())
    return rows_of(path, Layout("\t")) if ".tsv" in path.suffixes else json_lines(path)
