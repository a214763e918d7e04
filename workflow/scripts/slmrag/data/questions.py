"""Files of questions into one checked stream of rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from slmrag.data.ids import normalize_id
from slmrag.data.normalize import normalize
from slmrag.data.schemas import Question
from slmrag.errors import UserError

QuestionReader = Callable[[Path, Mapping[str, str]], Iterator[Question]]
FromFile = tuple[Path, Question]
LeftOut = dict[str, list[str]]
"""Places of questions that are left out, by reason: wordless, unanswerable or repeated."""
FORMATS_WITH_UNANSWERABLE = ("squad", "nq_simplified")
"""Formats with marked unanswerable questions: they are dropped unless the entry refuses them."""


def checked_questions(
    files: Sequence[Path], read: QuestionReader, entry: Mapping[str, Any], left_out: LeftOut
) -> Iterator[FromFile]:
    """Yield (file, question) with ids and answers; UserError names the file and line of an error.

    The id of a question without one is its number, from 0, among those with answers, in the order
    of the files. The places of questions that are left out are added to ``left_out``.
    """
    seen: dict[str, tuple[str, Any]] = {}
    none, unseen, number = entry.get("no_answer"), True, 0
    for path, question in _read_files(files, read, entry.get("columns") or {}):
        place = f"{path}, line {question.line}"
        _normalize(question, place)
        unseen = unseen and none not in question.answers
        question.answers = drop_no_answer(question.answers, entry)
        if not question.answers and drops_unanswerable(entry):
            left_out.setdefault("unanswerable", []).append(place)
            continue
        question.numbered = not question.question_id
        question.question_id = question.question_id or str(number)
        number += 1
        question.answers = _comparable_answers(
            question, place, entry.get("wordless_answers", "refuse")
        )
        if not question.answers:
            left_out.setdefault("wordless", []).append(place)
        elif _is_new(question, place, seen):
            yield path, question
        else:
            left_out.setdefault("repeated", []).append(place)
    if not seen:
        raise UserError(_empty_sentence(files, left_out))
    if none is not None and unseen:
        raise UserError(
            f"{_file_names(files)}: no answer is {none!r}, as no_answer says; correct it"
        )


def drop_no_answer(answers: Sequence[str], entry: Mapping[str, Any]) -> list[str]:
    """Return the answers without the text that means "no answer" in this set."""
    return [answer for answer in answers if answer.strip() != entry.get("no_answer")]


def drops_unanswerable(entry: Mapping[str, Any]) -> bool:
    """Tell whether a set drops the questions without answers."""
    usual = "drop" if entry["format"] in FORMATS_WITH_UNANSWERABLE else "refuse"
    return entry.get("unanswerable", usual) == "drop"


def _read_files(
    files: Iterable[Path], read: QuestionReader, columns: Mapping[str, str]
) -> Iterator[tuple[Path, Question]]:
    for path in files:
        for question in read(path, columns):
            yield path, question


def _normalize(question: Question, place: str) -> None:
    """Put ids and texts into normal form; UserError for an empty question or a wrong answer."""
    if any(not isinstance(answer, str) for answer in question.answers):
        raise UserError(f"{place}: an answer is not text; correct it")
    question.question_id = normalize_id(question.question_id)
    question.question = question.question.strip()
    if not question.question:
        raise UserError(f"{place}: an empty question; correct or remove it")
    question.answers = [stripped for answer in question.answers if (stripped := answer.strip())]
    question.gold_ids = list(dict.fromkeys(map(normalize_id, question.gold_ids)))
    question.gold = [gold | {"id": normalize_id(gold["id"])} for gold in question.gold]


def _is_new(question: Question, place: str, seen: dict[str, tuple[str, Any]]) -> bool:
    """Tell whether a record is new; UserError if its id was used for another one."""
    gold = tuple(tuple(one.values()) for one in question.gold)
    content = hash((question.question, *question.answers, gold, *question.gold_ids))
    first, known = seen.setdefault(question.question_id, (place, content))
    if known != content:
        raise UserError(
            f"{place}: the question id '{question.question_id}' is already used in {first}; "
            "rename one"
        )
    return first is place


def _comparable_answers(question: Question, place: str, wordless: str) -> list[str]:
    """Return the distinct answers that a metric can compare with.

    ``wordless`` says what to do if none is left: refuse (UserError), drop (return none) or keep.
    """
    if not question.answers:
        raise UserError(
            f"{place}: a question without answers; add one or remove it, or set unanswerable: drop "
            "for the data set"
        )
    distinct = list(dict.fromkeys(question.answers))
    kept = [answer for answer in distinct if wordless == "keep" or normalize(answer)]
    if not kept and wordless == "refuse":
        raise UserError(
            f"{place}: nothing is left of the answer {distinct[0]!r} without articles and "
            "punctuation, so every prediction would be right; correct or remove it, or set "
            "wordless_answers: drop for the data set"
        )
    return kept


def _empty_sentence(files: Sequence[Path], left_out: LeftOut) -> str:
    """Return the error sentence for a set without questions."""
    if count := len(left_out.get("unanswerable", ())):
        return (
            f"{_file_names(files)}: none of the {count} questions has an answer; check answers in "
            "its columns"
        )
    return f"{_file_names(files)}: no question in it; check the object and its format"


def _file_names(files: Sequence[Path]) -> str:
    return ", ".join(map(str, files[:3])) or "the object's folder"


def as_row(question: Question) -> dict[str, Any]:
    """Return the question as a row of ``questions.parquet``."""
    return {
        "question_id": question.question_id,
        "question": question.question,
        "answers": question.answers,
        "gold": question.gold,
    }
