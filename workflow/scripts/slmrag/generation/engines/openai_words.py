"""The words of a server, as one sentence can hold them."""

import json
import re
from typing import Any

from slmrag.config.redaction import redact

MOST_CHARACTERS = 300
KEYS_OF_WORDS = ("message", "msg", "detail", "error", "error_description")


def words_of_error(body: Any, deep: int = 4) -> str:
    """Return the server's own words out of the body of an error; tags of a page are left out."""
    if isinstance(body, str):
        return re.sub(r"<[^<>]*>", " ", body)
    if isinstance(body, list) and deep:
        return "; ".join(words_of_error(one, deep - 1) for one in body[:16])
    name = (
        next((name for name in KEYS_OF_WORDS if body.get(name)), "") if _speaks(body, deep) else ""
    )
    if not name:
        return json.dumps(body)
    place = body.get("loc")
    where = ".".join(map(str, place)) + ": " if isinstance(place, list) else ""
    return where + words_of_error(body[name], deep - 1)


def _speaks(body: Any, deep: int) -> bool:
    return isinstance(body, dict) and deep > 0


def names_of_error(body: Any) -> str:
    """Return the words by which an error is known to programs: its code, type and inner code."""
    told = body if isinstance(body, dict) else {}
    inner = told.get("innererror")
    found = [told.get("code"), told.get("type"), told.get("error_type")]
    found += [inner.get("code")] if isinstance(inner, dict) else []
    return " ".join(one for one in found if isinstance(one, str))


def one_line(text: str) -> str:
    """Return a server's words on one line of at most 300 characters, without secrets."""
    line = redact(" ".join(text[: 20 * MOST_CHARACTERS].split()))
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]} …"
