"""Failure types of small models' answers, whether or not the answer is correct.

Each test's name is the name of its class in the score files: it is never changed.
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from slmrag.data.normalize import normalize
from slmrag.models.reasoning import UNFINISHED, has_reasoning_tag

if TYPE_CHECKING:
    import polars as pl

MIN_COPIED_WORDS = 12  # longer than nearly all references: less may be the answer itself
MIN_ECHOED_WORDS = 4  # less may be a name that question and answer share

REFUSAL_PHRASES = re.compile(
    r"\b(?:i (?:do not|don'?t|cannot|can'?t|am not able to|am unable to)\b"
    r"|i'?m (?:sorry|not sure|unable)|as an ai\b|unknown\b\W*$"
    r"|(?:not|n'?t) (?:\w+ )?(?:mention(?:ed)?|provided?|specif(?:y|ied)|stated?|given)\b"
    r"|no (?:information|answer)\b|not enough information|insufficient information)",
    re.IGNORECASE,
)


class AnswerRecord(NamedTuple):
    """What a model wrote, the answer taken from it, and what it was asked."""

    raw: str
    answer: str
    finish_reason: str
    question: str
    passages: Sequence[str] = ()
    reasoning: str | None = None


def unfinished_reasoning(record: AnswerRecord) -> bool:
    """The reasoning never ended, so that there is no answer."""
    return record.reasoning == UNFINISHED


def refused(record: AnswerRecord) -> bool:
    """The endpoint did not answer: its filter or limit refused the prompt."""
    return record.finish_reason == "refused"


def is_answered() -> "pl.Expr":
    """Whether a row of answers or scores is of a prompt that the endpoint did not refuse."""
    import polars as pl

    return (pl.col("finish_reason") != "refused").fill_null(True)


def leaked_reasoning(record: AnswerRecord) -> bool:
    """The answer holds a reasoning tag."""
    return has_reasoning_tag(record.answer)


def empty(record: AnswerRecord) -> bool:
    """Nothing is left of the answer after normalization."""
    return not normalize(record.answer)


def refusal(record: AnswerRecord) -> bool:
    """The answer says that it does not or cannot answer."""
    return REFUSAL_PHRASES.search(record.answer.replace("\u2019", "'")) is not None


def echo(record: AnswerRecord) -> bool:
    """The answer repeats the question, or is a run of at least four of its words."""
    answer, question = normalize(record.answer), normalize(record.question)
    long_enough = answer.count(" ") + 1 >= MIN_ECHOED_WORDS
    return (bool(question) and question in answer) or (long_enough and answer in question)


def copied_context(record: AnswerRecord) -> bool:
    """The answer is a run of at least twelve words of one passage."""
    answer = normalize(record.answer)
    if answer.count(" ") + 1 < MIN_COPIED_WORDS:
        return False
    return any(answer in normalize(passage) for passage in record.passages)


def run_on(record: AnswerRecord) -> bool:
    """The model went on writing after its answer."""
    whole, answer = (" ".join(text.split()) for text in (record.raw, record.answer))
    return not whole.endswith(answer)


def truncated(record: AnswerRecord) -> bool:
    """The answer itself was cut at max_tokens."""
    return record.finish_reason == "length"


FAILURE_TESTS: tuple[Callable[[AnswerRecord], bool], ...] = (
    refused,
    unfinished_reasoning,
    leaked_reasoning,
    empty,
    refusal,
    echo,
    copied_context,
    run_on,
    truncated,
)
FAILURE_NAMES = tuple(test.__name__ for test in FAILURE_TESTS)


def classify_failure(record: AnswerRecord) -> str | None:
    """Return the first failure class that fits, in the order of ``FAILURE_TESTS``, or None."""
    return next((test.__name__ for test in FAILURE_TESTS if test(record)), None)
