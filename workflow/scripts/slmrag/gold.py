"""Gold passages that stand apart from their questions."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.readers.delimited import rows_of
from slmrag.readers.records import as_text, field, json_lines
from slmrag.readers.shapes import Question, passage

KEYS = ("question_id", "question", "id")
"""What a file of gold passages may be joined by: the first of these that it has."""


def with_gold(
    placed: Sequence[tuple[Path, Question]], files: Sequence[Path], dataset: str
) -> list[Question]:
    """Return the questions with the gold passages that ``files`` hold for them.

    A record that has a ``question_id`` or a ``question`` belongs to that question; one that has
    only an ``id`` to every question whose gold names it.
    """
    found = _passages(placed, files)
    for path, question in placed:
        for key in (("question_id", question.question_id), ("question", question.question)):
            question.gold += found.get(key, [])
        for id in question.gold_ids:
            if ("id", id) not in found:
                raise UserError(
                    f"{path}, line {question.line}: the gold passage '{id}' is not in "
                    f"{', '.join(map(str, files)) or f'any file; set datasets.{dataset}.gold'}"
                )
            question.gold += found["id", id]
    if files and not any(question.gold for _, question in placed):
        raise UserError(
            f"{files[0]}: no passage in it belongs to a question of '{dataset}'; give each "
            f"record one of {', '.join(KEYS)} as the questions have it"
        )
    return [question for _, question in placed]


def _passages(
    placed: Sequence[tuple[Path, Question]], files: Sequence[Path]
) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Return the passages that some question wants, by what they are joined by."""
    wanted = {("question_id", question.question_id) for _, question in placed}
    wanted |= {("question", question.question) for _, question in placed}
    wanted |= {("id", id) for _, question in placed for id in question.gold_ids}
    found: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for path in files:
        for line, record in _records(path):
            key = next((name for name in KEYS if record.get(name) not in (None, "")), None)
            if key is None:
                raise UserError(f"{path}, line {line}: none of {', '.join(KEYS)}; add one")
            if (join := (key, str(record[key]))) in wanted:
                found[join].append(_passage(record, path, line))
    return dict(found)


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the records of JSONL, CSV or TSV, by the file's name."""
    if ".csv" in path.suffixes:
        return rows_of(path, ",")
    return rows_of(path, "\t") if ".tsv" in path.suffixes else json_lines(path)


def _passage(record: dict[str, Any], path: Path, line: int) -> dict[str, str]:
    text = field(record, "text", str, path, line)
    return passage(as_text(record.get("id")), as_text(record.get("title")), text)
