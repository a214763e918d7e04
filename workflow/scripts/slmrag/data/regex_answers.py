"""Answers that are hardly plain texts: regular expressions, and lists or nulls as text."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from slmrag.errors import UserError

log = logging.getLogger(__name__)
REGEX_SIGNS = re.compile(r"\\[sSdDwWbB.()?+*$]|\.[*+]|[)\]][?*+]|\(\?[:i]|\w\|\w|\[\^")
"""Signs that are usual in patterns and rare in answers."""
LIST_TEXT = re.compile(r"""\s*\[\s*((".*"|'.*')\s*)?\]\s*""", re.DOTALL)
"""A list as JSON or Python writes it."""
NULL_TEXTS = {"nan", "NaN", "NaT", "None", "null", "NULL", "<NA>", "#N/A"}
"""What programs write for what is missing."""
WARNING_SHARE = 0.1
"""Patterns are reported if at least this share of questions has one, as in CuratedTREC."""


def count_patterns(rows: Sequence[Mapping[str, Any]], format: str, where: str) -> dict[str, int]:
    """Return for the audit how many questions have an answer like a pattern, if many have.

    UserError for the format ``dpr_qa``, whose sets have them; a warning for others, where an answer
    may be meant literally. ``where`` is the name of the set.
    """
    found = [
        answer for row in rows if (answer := next(filter(REGEX_SIGNS.search, row["answers"]), None))
    ]
    if len(found) < WARNING_SHARE * len(rows) or not found:
        return {}
    sentence = (
        f"{where}: the answers of {len(found)} of {len(rows)} questions look like regular "
        f"expressions (the first: {found[0]!r}), but every metric compares them as texts, so a "
        "right answer would count as wrong; write the answers out as texts"
    )
    if format == "dpr_qa":
        raise UserError(f"{sentence}, one list a question")
    log.warning("%s, unless they are meant literally", sentence)
    return {"answers_like_patterns": len(found)}


def count_lists(rows: Sequence[Mapping[str, Any]], where: str) -> dict[str, int]:
    """Return for the audit how many questions have an answer that is a list written as text."""
    listed = (next(filter(LIST_TEXT.fullmatch, row["answers"]), None) for row in rows)
    found = [answer for answer in listed if answer]
    if not found:
        return {}
    log.warning(
        "%s: an answer of %d questions is a text that looks like a list (the first: %.60r), and is "
        "taken as one text; if it means several answers, write a list, or make it a "
        "csv, where such texts are lists",
        *(where, len(found), found[0]),
    )
    return {"answers_like_lists": len(found)}


def count_nulls(rows: Sequence[Mapping[str, Any]], where: str) -> dict[str, int]:
    """Return for the audit how many questions have only one answer, which looks like null."""
    found = [row["answers"][0] for row in rows if len(row["answers"]) == 1]
    found = [answer for answer in found if answer in NULL_TEXTS]
    if not found:
        return {}
    log.warning(
        "%s: the answer of %d questions reads %s, and is taken literally; if it means that "
        "there is none, set no_answer: %r",
        *(where, len(found), found[0], found[0]),
    )
    return {"answers_like_nulls": len(found)}
