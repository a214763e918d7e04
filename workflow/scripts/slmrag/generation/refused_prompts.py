"""Prompts that an endpoint refuses: what the job does with them, as ``on_refused`` says."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from slmrag.errors import UserError
from slmrag.generation.answer_tables import AnswerTables
from slmrag.generation.journal import Journal

logger = logging.getLogger(__name__)
QUESTIONS_SHOWN = 5


def records_refusals(entry: Mapping[str, Any]) -> bool:
    """Tell whether a refused prompt is recorded as an answer, and not asked again."""
    return entry.get("on_refused") == "record"


def report_refused(
    entry: Mapping[str, Any], journal: Journal, cells: Mapping[str, AnswerTables]
) -> None:
    """End with a UserError that names the refused questions, unless they are to be recorded."""
    found = [
        (cell, id, words)
        for cell, own in cells.items()
        for id, words in own.refused_questions(journal)
    ]
    for cell, id, words in found:
        logger.info("%s: question %r was refused: %s", cell, id, words)
    sentence = refused_sentence(str(entry.get("served_name")), found)
    if found and not records_refusals(entry):
        raise UserError(f"{sentence}; all other answers are kept: {REMEDIES}")
    if found:
        logger.warning("%s; each is recorded as no answer, with score 0", sentence)


REMEDIES = (
    "correct these questions or prompts, or set on_refused: record for the model, so that a "
    "refused prompt counts as no answer with score 0"
)


def refused_sentence(model: str, found: Sequence[tuple[str, str, str]]) -> str:
    """Say which questions of which cells were refused, and in whose words."""
    words = "; ".join(
        f"question {id!r} of {cell} ({words})" for cell, id, words in found[:QUESTIONS_SHOWN]
    )
    more = len(found) - QUESTIONS_SHOWN
    rest = f"; and {more} more, named in the log" if more > 0 else ""
    prompts = f"{len(found)} prompt{'s' * (len(found) != 1)}"
    return f"the endpoint refuses {prompts} of {model}: {words}{rest}"
