"""The question browser's data: one question across all cells, packed for the page's script."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.config.redaction import cleaner
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.score_matrix import Board
from slmrag.report.page.packing import bits, packed
from slmrag.report.page.sections import Section
from slmrag.report.sections.refused_prompts import words
from slmrag.report.sections.result import LABELS
from slmrag.report.sections.truncated_prompts import left
from slmrag.scoring.bootstrap import finite_or_none

if TYPE_CHECKING:
    import polars as pl

ANSWERS = 20_000  # answers that a page carries at most
PACKED = 6_000_000  # characters that they may take
LONGEST = 4_000  # characters of one text
BITS = 8_000_000  # answers, right or wrong, that a page carries at most
ANSWER = ("question_id", "prompt", "raw_answer", "answer", "finish_reason", "generated_tokens")
ANSWER += ("refusal",)
SCORES = ("question_id", "f1", "exact_match", "match", "failure")
CONTEXT = ("passages", "passages_dropped", "words_cut", "has_answer")


class Pool:
    """Texts that are written once and named by their number."""

    def __init__(self) -> None:
        """Start empty."""
        self._numbers: dict[str, int] = {}

    def add(self, text: str) -> int:
        """Return the number of a text, giving a new one its own."""
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def texts(self) -> list[str]:
        """All texts in the order of their numbers."""
        return list(self._numbers)


def section(boards: Sequence[Board], packed: dict[str, Any]) -> Section:
    """Return the section that the page's script fills."""
    parts = [
        f"{len(packed['datasets'][board.dataset])} of {len(board.questions)} of {board.dataset}"
        for board in boards
        if board.dataset in packed["datasets"]
    ]
    words = [
        f"One question across all cells, or those on which two cells differ. Shown are "
        f"{'; '.join(parts)}. Where not all fit, half are "
        "those on which the cells differ most, half are evenly spread; every answer stands in "
        "the answers folder of the experiment."
    ]
    return Section("questions", "Questions", words, widget="browser")


def pack(experiment: Experiment, boards: Sequence[Board]) -> tuple[dict[str, Any], str]:
    """Return the browser's data and its packed text, of fewer questions where it grows too big."""
    answers = ANSWERS
    while True:
        data = collect(experiment, boards, answers)
        text = packed(data)
        if len(text) <= PACKED or answers < 10:
            return data, text
        answers = min(answers // 2, int(answers * PACKED / len(text)))


def collect(experiment: Experiment, boards: Sequence[Board], answers: int) -> dict[str, Any]:
    """Return the chosen questions of each data set with what every cell answered."""
    texts, passages = Pool(), Pool()
    share, hide = answers // max(1, len(boards)), cleaner()
    datasets = {
        board.dataset: questions(experiment, board, share, texts, passages)
        for board in boards
        if board.questions
    }
    return {
        "datasets": {name: hidden(found, hide) for name, found in datasets.items()},
        "cells": {b.dataset: [[cell.model, cell.mode] for cell in b.cells] for b in boards},
        "totals": {board.dataset: len(board.questions) for board in boards},
        "right": {board.dataset: bits(board.right) for board in fitting(boards)},
        "metric": LABELS[experiment.primary],
        "prompts": hidden(texts.texts, hide),
        "passages": [hidden(json.loads(text), hide) for text in passages.texts],
    }


def fitting(boards: Sequence[Board]) -> Iterator[Board]:
    """Yield the data sets whose answers, as right or wrong, a page can carry."""
    room = BITS
    for board in boards:
        if board.right.size <= room:
            room -= board.right.size
            yield board


def hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """Return nested lists and mappings with the secrets in their texts masked."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {name: hidden(inner, hide) for name, inner in value.items()}
    return [hidden(inner, hide) for inner in value] if isinstance(value, list) else value


def chosen(board: Board, answers: int) -> list[int]:
    """Return the places of the questions that are shown."""
    total, wanted = len(board.questions), max(1, answers // max(1, len(board.cells)))
    if wanted >= total:
        return list(range(total))
    spread = np.argsort(-board.values.std(axis=1), kind="stable")[: wanted // 2]
    even = np.linspace(0, total - 1, wanted - len(spread)).astype(int)
    return sorted({*spread.tolist(), *even.tolist()})


def questions(
    experiment: Experiment, board: Board, answers: int, texts: Pool, passages: Pool
) -> list[dict[str, Any]]:
    """Return the chosen questions of one data set."""
    import polars as pl

    places = chosen(board, answers)
    ids = pl.Series("question_id", [board.questions[place] for place in places])
    asked = rows_of(experiment.questions.get((board.dataset,)), ids)
    found = [{"id": id, "cells": [], "modes": {}} for id in ids]
    for row, about in zip(found, asked, strict=True):
        row |= {"question": about.get("question", ""), "answers": about.get("answers", [])}
        row["question"] = clip(row["question"])
    shown = shown_passages(experiment, board, ids, found, passages)
    for column, cell in enumerate(board.cells):
        told = zip(
            rows_of(cell.answers, ids, ANSWER),
            rows_of(cell.scores, ids, SCORES + CONTEXT),
            strict=True,
        )
        for i, (answer, score) in enumerate(told):
            primary = finite_or_none(board.values[places[i], column])
            own = shown.get((cell.mode, ids[i]), [])
            right = int(board.right[places[i], column])
            said = answered(answer, score, primary, own, texts)
            found[i]["cells"].append([*said, right, *remarks(answer, score)])
    return found


def rows_of(path: Any, ids: "pl.Series", columns: Sequence[str] | None = None) -> list[dict]:
    """Return a table's rows of the given questions in their order; empty ones where it has none.

    Columns that an older table lacks are left out.
    """
    import polars as pl

    if path is None:
        return [{} for _ in ids]
    table = pl.scan_parquet(path)
    known = [name for name in table.collect_schema() if columns is None or name in columns]
    table = table.select(known).filter(pl.col("question_id").is_in(ids.implode()))
    rows = {row["question_id"]: row for row in table.collect().to_dicts()}
    return [rows.get(id, {}) for id in ids]


def shown_passages(
    experiment: Experiment, board: Board, ids: "pl.Series", found: list[dict], passages: Pool
) -> dict[tuple[str, str], list[tuple[int, str]]]:
    """Note each mode's passages of each question; return their numbers and texts by mode and id."""
    shown = {}
    for mode in dict.fromkeys(cell.mode for cell in board.cells):
        path = experiment.prompts.get((board.dataset, mode))
        for id, question, row in zip(ids, found, rows_of(path, ids), strict=True):
            own = [(number_of(passages, p), p["text"]) for p in row.get("passages") or []]
            shown[mode, id] = own
            about = [row.get("has_answer"), row.get("gold_rank")]
            question["modes"][mode] = [[place for place, _ in own], *about]
    return shown


def number_of(passages: Pool, passage: dict[str, str]) -> int:
    """Return the number of a passage."""
    return passages.add(json.dumps([passage["title"], clip(passage["text"])], ensure_ascii=False))


def answered(
    answer: dict, score: dict, primary: float | None, shown: list[tuple[int, str]], texts: Pool
) -> list[Any]:
    """Return what a cell made of a question, in the order that the page's script reads.

    Whether it is right comes behind, and then remarks, where there are any.
    """
    prompt = answer.get("prompt") or ""
    for place, text in shown:
        if text:
            prompt = prompt.replace(text, f"\x00{place}\x00")
    raw, said = (clip(answer.get(name) or "") for name in ("raw_answer", "answer"))
    scores = [primary, *(score.get(name) for name in SCORES[1:])]
    rest = [answer.get("finish_reason"), answer.get("generated_tokens")]
    return [texts.add(clip(prompt)), 0 if raw == said else raw, said, *scores, *rest]


def remarks(answer: dict, score: dict) -> list[str]:
    """Return what is to be said of an answer: why it was refused, what its prompt lost."""
    return list(filter(None, [" ".join(filter(None, [words(answer), left(score)]))]))


def clip(text: str) -> str:
    """Return a text no longer than the page carries, saying how much was left out."""
    left = len(text) - LONGEST
    return text if left <= 0 else f"{text[:LONGEST]}\u2026 [{left} more characters]"
