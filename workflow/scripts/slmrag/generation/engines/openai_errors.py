"""What an endpoint's error says and is about: the moment, one prompt, or the request itself."""

import json
import random
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from slmrag.config.redaction import redact

WRONG_KEY = "refuses the key; export the right one in the variable that options.api_key_env names"
WRONG_PATH = "knows no such path or model; check endpoint (it ends in /v1) and served_name"
WHAT_STATUS_MEANS = {
    401: WRONG_KEY,
    402: "wants to be paid; add credit there",
    403: WRONG_KEY,
    404: WRONG_PATH,
    405: WRONG_PATH,
}
TOO_BUSY = "is busy even after all retries; lower options.concurrency or set requests_per_second"
PASSING_STATUSES = {408, 409, 425, 429}
TOO_LONG = re.compile(
    r"(?i)context.{0,30}(length|window|size|overflow|limit)|exceed_context|string_above_max_length"
    r"|(prompt|input|message)s?\b.{0,40}\btoo (long|large|many)|too many (input )?tokens"
    r"|(inputs?|prompt)\W{0,2} tokens|reduce the length|maximum (input|prompt|sequence) length"
    r"|request too large"
)
MODERATED = re.compile(
    r"(?i)content.{0,3}(filter|policy|management|exists risk)|moderat|flagged|guardrail|safety"
    r"|inappropriate|sensitive|data_inspection|invalid_prompt|blocked|jailbreak"
)
FORBIDS = re.compile(
    r"(?i)unsupported|not support|unrecogni|unknown|unexpected|not permitted|not allowed|extra"
    r"|additional|invalid|forbid|deprecat|must |should |exist|too (large|small|high|low)|at most"
)
NAMED_KEY = re.compile(r"['\"`](\w+)['\"`]|(?::|arguments?|parameters?|fields?|keys?) (\w+)")
NOTES = {
    "max_tokens": "max_tokens is then sent as max_completion_tokens",
    "temperature": "the server then chooses the temperature",
}
MOST_CHARACTERS = 300
KEYS_OF_WORDS = ("message", "msg", "detail", "error", "error_description")
FIRST_WAIT = 0.5
LONGEST_BACKOFF = 8.0


class Broken(Exception):
    """An answer that did not come whole, and may the next time; ``wait`` in seconds, if told."""

    def __init__(self, words: str, wait: float | None = None) -> None:
        super().__init__(words)
        self.wait = wait


class Ended(Exception):
    """An answer that no other prompt and no other try would get, either."""


class Refused(Exception):
    """A prompt that the server will not answer, ``about`` its content, its length, or unsaid."""

    def __init__(self, code: str, reason: str, about: str | None = "content") -> None:
        super().__init__(reason)
        self.code, self.reason, self.about = code, one_line(reason), about


class Told(Exception):
    """An error that the server put into its answer in place of words."""

    def __init__(self, body: Any) -> None:
        super().__init__(one_line(words_of_error(body)))
        self.body = body

    @property
    def status(self) -> int:
        """Return the HTTP status that the error would have had, 500 where it says none."""
        told = self.body if isinstance(self.body, dict) else {}
        if MODERATED.search(names_of_error(told)):
            return 400
        codes = (str(told.get(name)) for name in ("code", "status", "status_code"))
        return next((int(one) for one in codes if re.fullmatch(r"[45]\d\d", one)), 500)


def judged(
    status: int,
    body: Any,
    headers: Mapping[str, str],
    sent: Mapping[str, Any],
    longest: float,
) -> Exception:
    """Return Broken, Refused or Ended for an error of the server.

    ``sent`` is the body of the request, ``longest`` the seconds that a server may ask to wait.
    """
    words = one_line(words_of_error(body))
    if about := _of_prompt(status, f"{names_of_error(body)} {words}"):
        return Refused(str(status), words, about)
    if status in (400, 422):
        keys = forbidden(body, sent)
        remedy = f"answers {status}: it refuses {', '.join(keys)} ({words}); {_remedy(keys)}"
        return Ended(remedy) if keys else Refused(str(status), words, None)
    if status in PASSING_STATUSES or status >= 500:
        return _passing(status, words, headers, longest, names_of_error(body))
    if 300 <= status < 400:
        place = one_line(headers.get("location", "no place"))
        return Ended(f"answers {status}: it has moved to {place}; write in endpoint where it is")
    return Ended(f"answers {status}: it {WHAT_STATUS_MEANS.get(status, 'refuses')} ({words})")


def _of_prompt(status: int, words: str) -> str | None:
    """Return what an error says that is wrong with the prompt: its length, its content, or None."""
    if status == 413 or (status in (400, 422, 500) and TOO_LONG.search(words)):
        return "length"
    if status == 451 or (status in (400, 403, 422) and MODERATED.search(words)):
        return "content"
    return None


def _passing(
    status: int, words: str, headers: Mapping[str, str], longest: float, known: str
) -> Exception:
    wait = asked_wait(headers)
    if wait is not None and wait > longest:
        return Ended(
            f"answers {status} ({words}) and asks to wait {wait:.0f} s (Retry-After), longer than "
            f"options.longest_wait ({longest:g} s); come back then"
        )
    if "insufficient_quota" in known or headers.get("x-should-retry") == "false":
        return Ended(f"answers {status}: it says that trying again is no use ({words})")
    reason = TOO_BUSY if status == 429 else "fails even after all retries"
    return Broken(f"answers {status}: it {reason} ({words})", wait)


def forbidden(body: Any, sent: Mapping[str, Any]) -> list[str]:
    """Return the keys of a request, but the prompt's own, that an error says are why."""
    told = body if isinstance(body, dict) else {}
    places = [str(told.get("param") or ""), *_places(told.get("detail"))]
    named = [re.split(r"[.\[]", place)[0] for place in places]
    text = words_of_error(body)
    if FORBIDS.search(text):
        named += [one or other for one, other in NAMED_KEY.findall(text)]
    own = {*sent} - {"messages", "prompt"}
    return [name for name in dict.fromkeys(named) if name in own]


def _places(detail: Any) -> Iterator[str]:
    """Yield the keys of the body that a list of FastAPI's details names."""
    for one in detail if isinstance(detail, list) else ():
        place = one.get("loc") if isinstance(one, dict) else None
        if isinstance(place, list) and place[:1] == ["body"]:
            yield from map(str, place[1:2])


def _remedy(keys: list[str]) -> str:
    if "model" in keys:
        return "check served_name"
    if "chat_template_kwargs" in keys:
        return "remove thinking and chat_template_kwargs of the model"
    nulls = ", ".join(f"{key}: null" for key in keys)
    notes = "; ".join(NOTES[key] for key in keys if key in NOTES)
    return f"options: {{{nulls}}} leaves it out of the request{notes and f' ({notes})'}"


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


def backoff(tried: int) -> float:
    """Return the seconds before the next try: twice as long each time up to 8, with some chance."""
    return min(FIRST_WAIT * 2 ** min(tried, 16), LONGEST_BACKOFF) * (1 - random.random() / 4)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait; None where it asks nothing that can be read.

    ``Retry-After`` is a number of seconds or a date (RFC 9110); some send ``retry-after-ms``.
    """
    found = [
        _number(headers.get("retry-after-ms"), 1000),
        _number(headers.get("retry-after"), 1),
        _until(headers.get("retry-after")),
    ]
    return next((wait for wait in found if wait is not None and wait > 0), None)


def _number(text: str | None, parts: int) -> float | None:
    try:
        value = float(text or "") / parts
    except ValueError:
        return None
    return value if isfinite(value) else None


def _until(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text or "").timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
