"""How answers of small models go wrong in form, whether or not they are right."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from slmrag.data.normalize import normalise
from slmrag.models.reasoning import UNFINISHED, tagged

if TYPE_CHECKING:
    import polars as pl

COPIED_WORDS = 12
ECHOED_WORDS = 4

REFUSAL = re.compile(
    r"\b(?:i (?:do not|don'?t|cannot|can'?t|am not able to|am unable to)\b"
    r"|i'?m (?:sorry|not sure|unable)|as an ai\b|unknown\b\W*$"
    r"|(?:not|n'?t) (?:\w+ )?(?:mention(?:ed)?|provided?|specif(?:y|ied)|stated?|given)\b"
    r"|no (?:information|answer)\b|not enough information|insufficient information)",
    re.IGNORECASE,
)


class Completion(NamedTuple):
    """What a model wrote, the answer cut from it, and what it was asked."""

    raw: str
    answer: str
    finish_reason: str
    question: str
    passages: Sequence[str] = ()
    reasoning: str | None = None


def unfinished_reasoning(completion: Completion) -> bool:
    """The reasoning began and never ended: it was cut, so that there is no answer."""
    return completion.reasoning == UNFINISHED


def refused(completion: Completion) -> bool:
    """The endpoint did not answer: its filter or limit refused the prompt."""
    return completion.finish_reason == "refused"


def is_answered() -> "pl.Expr":
    """Whether a row of answers or scores is of a prompt that the endpoint did not refuse."""
    import polars as pl

    return (pl.col("finish_reason") != "refused").fill_null(True)


def leaked_reasoning(completion: Completion) -> bool:
    """The answer holds a tag of a reasoning."""
    return tagged(completion.answer)


def empty(completion: Completion) -> bool:
    """Nothing is left of the answer once it is normalised."""
    return not normalise(completion.answer)


def refusal(completion: Completion) -> bool:
    """The answer says that it does not or cannot answer."""
    return REFUSAL.search(completion.answer.replace("\u2019", "'")) is not None


def echo(completion: Completion) -> bool:
    """The answer repeats the question, or is a run of at least four of its words."""
    answer, question = normalise(completion.answer), normalise(completion.question)
    long_enough = answer.count(" ") + 1 >= ECHOED_WORDS
    return (bool(question) and question in answer) or (long_enough and answer in question)


def copied_context(completion: Completion) -> bool:
    """The answer is a run of at least twelve words of one passage."""
    answer = normalise(completion.answer)
    if answer.count(" ") + 1 < COPIED_WORDS:
        return False
    return any(answer in normalise(passage) for passage in completion.passages)


def run_on(completion: Completion) -> bool:
    """The model went on after the answer."""
    whole, answer = (" ".join(text.split()) for text in (completion.raw, completion.answer))
    return not whole.endswith(answer)


def truncated(completion: Completion) -> bool:
    """The answer itself was cut at the limit of tokens."""
    return completion.finish_reason == "length"


FAILURES: tuple[Callable[[Completion], bool], ...] = (
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
NAMES = tuple(test.__name__ for test in FAILURES)


def classify(completion: Completion) -> str | None:
    """Return the first failure that fits, in the order of ``FAILURES``, or None."""
    return next((test.__name__ for test in FAILURES if test(completion)), None)
