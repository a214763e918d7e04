"""Files of questions into one checked stream of rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from slmrag.errors import UserError
from slmrag.readers.shapes import Question
from slmrag.text import normalise

Read = Callable[[Path, Mapping[str, str]], Iterator[Question]]
Placed = tuple[Path, Question]


def checked(
    files: Sequence[Path], read: Read, entry: Mapping[str, Any], left_out: list[str]
) -> Iterator[Placed]:
    """Yield (file, question) with ids and answers; UserError names file and line of what is wrong.

    A question without an id is called by its number in the order of the files, from 0. The places
    of those that the entry lets go, for their answers have no words, are added to ``left_out``.
    """
    seen: dict[str, str] = {}
    wordless = entry.get("wordless_answers", "refuse")
    for number, (path, question) in enumerate(_read(files, read, entry.get("columns") or {})):
        place = f"{path}, line {question.line}"
        question.question_id = question.question_id or str(number)
        question.question = question.question.strip()
        if not question.question:
            raise UserError(f"{place}: an empty question; correct or remove it")
        question.answers = _answers(question, place, wordless)
        if not question.answers:
            left_out.append(place)
            continue
        first = seen.setdefault(question.question_id, place)
        if first is not place:
            raise UserError(
                f"{place}: the question id '{question.question_id}' is already used in {first}; "
                "rename one"
            )
        yield path, question
    if not seen:
        names = ", ".join(map(str, files[:3])) or "the object's folder"
        raise UserError(f"{names}: no question in it; check the object and its format")


def _read(
    files: Iterable[Path], read: Read, columns: Mapping[str, str]
) -> Iterator[tuple[Path, Question]]:
    for path in files:
        for question in read(path, columns):
            yield path, question


def _answers(question: Question, place: str, wordless: str) -> list[str]:
    """Return the distinct answers that a metric can compare with; UserError where none is left.

    ``wordless`` is what to do then: refuse, drop (none is returned), or keep them all.
    """
    if any(not isinstance(answer, str) for answer in question.answers):
        raise UserError(f"{place}: an answer is not text; correct it")
    answers = [stripped for answer in question.answers if (stripped := answer.strip())]
    if not answers:
        raise UserError(f"{place}: a question without answers; add one or remove it")
    distinct = list(dict.fromkeys(answers))
    kept = [answer for answer in distinct if wordless == "keep" or normalise(answer)]
    if not kept and wordless == "refuse":
        raise UserError(
            f"{place}: nothing is left of the answer {answers[0]!r} without articles and "
            "punctuation, so every prediction would be right; correct or remove it, or set "
            "wordless_answers: drop for the data set"
        )
    return kept


def row(question: Question) -> dict[str, Any]:
    """Return the question as a row of ``questions.parquet``."""
    return {
        "question_id": question.question_id,
        "question": question.question,
        "answers": question.answers,
        "gold": question.gold,
    }
