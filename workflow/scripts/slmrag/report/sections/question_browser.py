"""The question browser's data: one question across all cells, packed for the page's script."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from slmrag.config.redaction import redactor
from slmrag.report.analysis.experiment import Experiment, rows_of_questions
from slmrag.report.analysis.score_matrix import ScoreMatrix
from slmrag.report.page.labels import METRIC_LABELS, refusal_remark, shortening_remark
from slmrag.report.page.page import pack_bits, pack_json
from slmrag.report.page.tables import Section
from slmrag.scoring.bootstrap import finite_or_none

Row = dict[str, Any]

MAX_ANSWERS = 20_000  # on a page
MAX_PACKED_CHARACTERS = 6_000_000  # characters of the packed answers
MAX_TEXT_CHARACTERS = 4_000  # characters of one text
MAX_BITS = 8_000_000  # correct or not: answers on a page, one bit each
ANSWER_COLUMNS = (
    "question_id",
    "prompt",
    "raw_answer",
    "answer",
    "finish_reason",
    "generated_tokens",
    "refusal",
)
SCORE_COLUMNS = ("question_id", "f1", "exact_match", "match", "failure")
CONTEXT_COLUMNS = ("passages", "passages_dropped", "words_cut", "has_answer")
ShownPassages = dict[tuple[str, str], list[tuple[int, str]]]


class TextPool:
    """Numbers texts, so that each is stored once."""

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


def questions_section(matrices: Sequence[ScoreMatrix], packed: dict[str, Any]) -> Section:
    """Return the section that the page's script fills."""
    parts = [
        f"{len(packed['datasets'][matrix.dataset])} of {len(matrix.questions)} questions of "
        f"{matrix.dataset}"
        for matrix in matrices
        if matrix.dataset in packed["datasets"]
    ]
    intro = [
        "One question across all cells, or the questions on which two cells differ. This page "
        f"holds {'; '.join(parts)}. Where not all fit, half are the questions on which the cells "
        "differ most, and half are evenly spread. The experiment's answers folder has all answers."
    ]
    return Section("questions", "Questions", intro, widget="browser")


def pack_questions(
    experiment: Experiment, matrices: Sequence[ScoreMatrix]
) -> tuple[dict[str, Any], str]:
    """Return the browser's data and its packed text, with fewer questions if it is too large."""
    answers = MAX_ANSWERS
    while True:
        data = collect_questions(experiment, matrices, answers)
        text = pack_json(data)
        if len(text) <= MAX_PACKED_CHARACTERS or answers < 10:
            return data, text
        answers = min(answers // 2, int(answers * MAX_PACKED_CHARACTERS / len(text)))


def collect_questions(
    experiment: Experiment, matrices: Sequence[ScoreMatrix], answers: int
) -> dict[str, Any]:
    """Return the chosen questions of each data set with what every cell answered."""
    prompts, passages = TextPool(), TextPool()
    share, hide = answers // max(1, len(matrices)), redactor()
    datasets = {
        matrix.dataset: dataset_questions(experiment, matrix, share, prompts, passages)
        for matrix in matrices
        if matrix.questions
    }
    return {
        "datasets": {name: hide_secrets(found, hide) for name, found in datasets.items()},
        "cells": {m.dataset: [[cell.model, cell.mode] for cell in m.cells] for m in matrices},
        "totals": {matrix.dataset: len(matrix.questions) for matrix in matrices},
        "correct": {m.dataset: pack_bits(m.correct) for m in matrices_with_bits(matrices)},
        "metric": METRIC_LABELS[experiment.primary],
        "prompts": hide_secrets(prompts.texts, hide),
        "passages": [hide_secrets(json.loads(text), hide) for text in passages.texts],
    }


def matrices_with_bits(matrices: Sequence[ScoreMatrix]) -> Iterator[ScoreMatrix]:
    """Yield the data sets for which correct or not, one bit per answer, fits into the page."""
    room = MAX_BITS
    for matrix in matrices:
        if matrix.correct.size <= room:
            room -= matrix.correct.size
            yield matrix


def hide_secrets(value: Any, hide: Callable[[str], str]) -> Any:
    """Return nested lists and mappings with the secrets in their texts masked."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {name: hide_secrets(inner, hide) for name, inner in value.items()}
    return [hide_secrets(inner, hide) for inner in value] if isinstance(value, list) else value


def dataset_questions(
    experiment: Experiment, matrix: ScoreMatrix, answers: int, prompts: TextPool, passages: TextPool
) -> list[dict[str, Any]]:
    """Return the chosen questions of one data set."""
    places = matrix.telling_questions(max(1, answers // max(1, len(matrix.cells))))
    ids = [matrix.questions[place] for place in places]
    asked = rows_of_questions(experiment.questions.get((matrix.dataset,)), ids)
    found: list[dict[str, Any]] = [
        {
            "id": id,
            "cells": [],
            "modes": {},
            "question": shorten_text(about.get("question", "")),
            "answers": about.get("answers", []),
        }
        for id, about in zip(ids, asked, strict=True)
    ]
    shown = shown_passages(experiment, matrix, found, passages)
    for column, cell in enumerate(matrix.cells):
        answers_of_cell = rows_of_questions(cell.answers, ids, ANSWER_COLUMNS)
        scores = rows_of_questions(cell.scores, ids, SCORE_COLUMNS + CONTEXT_COLUMNS)
        for question, place, answer, score in zip(
            found, places, answers_of_cell, scores, strict=True
        ):
            primary = finite_or_none(matrix.values[place, column])
            own = shown.get((cell.mode, question["id"]), [])
            facts = answer_facts(answer, score, primary, own, prompts)
            correct = int(matrix.correct[place, column])
            question["cells"].append([*facts, correct, *answer_remarks(answer, score)])
    return found


def shown_passages(
    experiment: Experiment, matrix: ScoreMatrix, questions: list[Row], passages: TextPool
) -> ShownPassages:
    """Add the passages of each mode to the questions; return numbers and texts by mode and id."""
    shown = {}
    ids = [question["id"] for question in questions]
    for mode in dict.fromkeys(cell.mode for cell in matrix.cells):
        path = experiment.prompts.get((matrix.dataset, mode))
        for question, row in zip(questions, rows_of_questions(path, ids), strict=True):
            own = [(passage_number(passages, p), p["text"]) for p in row.get("passages") or []]
            shown[mode, question["id"]] = own
            about = [row.get("has_answer"), row.get("gold_rank")]
            question["modes"][mode] = [[number for number, _ in own], *about]
    return shown


def passage_number(passages: TextPool, passage: dict[str, str]) -> int:
    """Return the number of a passage."""
    shown = [passage["title"], shorten_text(passage["text"])]
    return passages.add(json.dumps(shown, ensure_ascii=False))


def answer_facts(
    answer: Row, score: Row, primary: float | None, shown: list[tuple[int, str]], prompts: TextPool
) -> list[Any]:
    """Return the facts of an answer, in the order that the page's script reads.

    After them come whether it is correct, and remarks, if there are any.
    """
    prompt = answer.get("prompt") or ""
    for number, text in shown:
        if text:
            prompt = prompt.replace(text, f"\x00{number}\x00")
    raw, trimmed = (shorten_text(answer.get(name) or "") for name in ("raw_answer", "answer"))
    scores = [primary, *(score.get(name) for name in SCORE_COLUMNS[1:])]
    rest = [answer.get("finish_reason"), answer.get("generated_tokens")]
    return [
        prompts.add(shorten_text(prompt)),
        0 if raw == trimmed else raw,
        trimmed,
        *scores,
        *rest,
    ]


def answer_remarks(answer: Row, score: Row) -> list[str]:
    """Return remarks on an answer: why it was refused, what its prompt lost."""
    sentence = " ".join(filter(None, [refusal_remark(answer), shortening_remark(score)]))
    return [sentence] if sentence else []


def shorten_text(text: str) -> str:
    """Return a text of limited length, which says how much was left out."""
    left = len(text) - MAX_TEXT_CHARACTERS
    return text if left <= 0 else f"{text[:MAX_TEXT_CHARACTERS]}\u2026 [{left} more characters]"
