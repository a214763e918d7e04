"""Answers that are regular expressions, as CuratedTREC's are: our metrics compare texts."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from slmrag.errors import UserError

log = logging.getLogger(__name__)
SIGNS = re.compile(r"\\[sSdDwWbB.()?+*$]|\.[*+]|[)\]][?*+]|\(\?[:i]|\w\|\w|\[\^")
"""What stands in patterns, and hardly in answers."""
SHARE = 0.1
"""So many of the questions have to have such an answer."""


def look(rows: Sequence[Mapping[str, Any]], format: str, where: str) -> dict[str, int]:
    """Return for the audit how many questions' answers look like patterns, where many do.

    Raises UserError where the format is one whose sets have them (``dpr_qa``); others get a
    warning, for there an answer may mean what it says. ``where`` is what the set is called.
    """
    found = [answer for row in rows if (answer := next(filter(SIGNS.search, row["answers"]), None))]
    if len(found) < SHARE * len(rows) or not found:
        return {}
    sentence = (
        f"{where}: the answers of {len(found)} of {len(rows)} questions look like regular "
        f"expressions (the first: {found[0]!r}), but every metric compares them as texts, so a "
        "right answer would count as wrong; write the answers out as texts"
    )
    if format == "dpr_qa":
        raise UserError(f"{sentence}, one list a question")
    log.warning("%s, unless they are meant letter by letter", sentence)
    return {"answers_like_patterns": len(found)}
