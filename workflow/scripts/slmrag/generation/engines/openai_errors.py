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
RETRIED_STATUSES = {408, 409, 425, 429}
TOO_LONG_PATTERN = re.compile(
    r"(?i)context.{0,30}(length|window|size|overflow|limit)|exceed_context|string_above_max_length"
    r"|(prompt|input|message)s?\b.{0,40}\btoo (long|large|many)|too many (input )?tokens"
    r"|(inputs?|prompt)\W{0,2} tokens|reduce the length|maximum (input|prompt|sequence) length"
    r"|request too large"
)
MODERATION_PATTERN = re.compile(
    r"(?i)content.{0,3}(filter|policy|management|exists risk)|moderat|flagged|guardrail|safety"
    r"|inappropriate|sensitive|data_inspection|invalid_prompt|blocked|jailbreak"
)
FORBIDDEN_KEY_PATTERN = re.compile(
    r"(?i)unsupported|not support|unrecogni|unknown|unexpected|not permitted|not allowed|extra"
    r"|additional|invalid|forbid|deprecat|must |should |exist|too (large|small|high|low)|at most"
)
NAMED_KEY_PATTERN = re.compile(
    r"['\"`](\w+)['\"`]|(?::|arguments?|parameters?|fields?|keys?) (\w+)"
)
NOTES_ON_NULL = {
    "max_tokens": "max_tokens is then sent as max_completion_tokens",
    "temperature": "the server then chooses the temperature",
}
MAX_CHARACTERS_SHOWN = 300
KEYS_OF_ERROR_TEXT = ("message", "msg", "detail", "error", "error_description")
FIRST_BACKOFF = 0.5
MAX_BACKOFF = 8.0


class IncompleteAnswer(Exception):
    """An answer that did not arrive whole; a retry may help, after ``wait`` seconds if given."""

    def __init__(self, words: str, wait: float | None = None) -> None:
        super().__init__(words)
        self.wait = wait


class FinalError(Exception):
    """An error that every prompt and every retry would meet."""


class RefusedPrompt(Exception):
    """A prompt that the server will not answer; ``about`` is content, length or None (unknown)."""

    def __init__(self, code: str, reason: str, about: str | None = "content") -> None:
        super().__init__(reason)
        self.code, self.reason, self.about = code, one_line(reason), about


class ServerError(Exception):
    """An error that the server sent in place of an answer's text."""

    def __init__(self, body: Any) -> None:
        super().__init__(one_line(error_text(body)))
        self.body = body

    @property
    def status(self) -> int:
        """Return the HTTP status that the error would have had, 500 where it says none."""
        fields = self.body if isinstance(self.body, dict) else {}
        if MODERATION_PATTERN.search(error_codes(fields)):
            return 400
        codes = (str(fields.get(name)) for name in ("code", "status", "status_code"))
        return next((int(one) for one in codes if re.fullmatch(r"[45]\d\d", one)), 500)


def classify_error(
    status: int,
    body: Any,
    headers: Mapping[str, str],
    sent: Mapping[str, Any],
    longest: float,
) -> Exception:
    """Return IncompleteAnswer, RefusedPrompt or FinalError for an error of the server.

    ``sent`` is the body of the request, ``longest`` the seconds that a server may ask to wait.
    """
    words = one_line(error_text(body))
    if about := _prompt_fault(status, f"{error_codes(body)} {words}"):
        return RefusedPrompt(str(status), words, about)
    if status in (400, 422):
        keys = forbidden_keys(body, sent)
        remedy = f"answers {status}: it refuses {', '.join(keys)} ({words}); {_remedy(keys)}"
        return FinalError(remedy) if keys else RefusedPrompt(str(status), words, None)
    if status in RETRIED_STATUSES or status >= 500:
        return _retry_error(status, words, headers, longest, error_codes(body))
    if 300 <= status < 400:
        place = one_line(headers.get("location", "no place"))
        return FinalError(
            f"answers {status}: it has moved to {place}; write in endpoint where it is"
        )
    return FinalError(f"answers {status}: it {WHAT_STATUS_MEANS.get(status, 'refuses')} ({words})")


def _prompt_fault(status: int, words: str) -> str | None:
    """Return what is wrong with the prompt by an error: length, content, or None for nothing."""
    if status == 413 or (status in (400, 422, 500) and TOO_LONG_PATTERN.search(words)):
        return "length"
    if status == 451 or (status in (400, 403, 422) and MODERATION_PATTERN.search(words)):
        return "content"
    return None


def _retry_error(
    status: int, words: str, headers: Mapping[str, str], longest: float, known: str
) -> Exception:
    wait = retry_after_seconds(headers)
    if wait is not None and wait > longest:
        return FinalError(
            f"answers {status} ({words}) and asks to wait {wait:.0f} s (Retry-After), longer than "
            f"options.longest_wait ({longest:g} s); come back then"
        )
    if "insufficient_quota" in known or headers.get("x-should-retry") == "false":
        return FinalError(f"answers {status}: it says that a retry is of no use ({words})")
    reason = TOO_BUSY if status == 429 else "fails even after all retries"
    return IncompleteAnswer(f"answers {status}: it {reason} ({words})", wait)


def forbidden_keys(body: Any, sent: Mapping[str, Any]) -> list[str]:
    """Return the keys of a request that an error complains of, without the prompt's own."""
    fields = body if isinstance(body, dict) else {}
    places = [str(fields.get("param") or ""), *_keys_in_details(fields.get("detail"))]
    named = [re.split(r"[.\[]", place)[0] for place in places]
    text = error_text(body)
    if FORBIDDEN_KEY_PATTERN.search(text):
        named += [one or other for one, other in NAMED_KEY_PATTERN.findall(text)]
    own = {*sent} - {"messages", "prompt"}
    return [name for name in dict.fromkeys(named) if name in own]


def _keys_in_details(detail: Any) -> Iterator[str]:
    """Yield the keys of the request's body that FastAPI's list of details names."""
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
    notes = "; ".join(NOTES_ON_NULL[key] for key in keys if key in NOTES_ON_NULL)
    return f"options: {{{nulls}}} leaves it out of the request{notes and f' ({notes})'}"


def error_text(body: Any, deep: int = 4) -> str:
    """Return the server's own words in the body of an error; HTML tags are left out."""
    if isinstance(body, str):
        return re.sub(r"<[^<>]*>", " ", body)
    if isinstance(body, list) and deep:
        return "; ".join(error_text(one, deep - 1) for one in body[:16])
    fields = body if isinstance(body, dict) and deep > 0 else {}
    name = next((name for name in KEYS_OF_ERROR_TEXT if fields.get(name)), "")
    if not name:
        return json.dumps(body)
    place = fields.get("loc")
    where = ".".join(map(str, place)) + ": " if isinstance(place, list) else ""
    return where + error_text(fields[name], deep - 1)


def error_codes(body: Any) -> str:
    """Return the codes by which programs know an error: its code, type and inner code."""
    fields = body if isinstance(body, dict) else {}
    inner = fields.get("innererror")
    found = [fields.get("code"), fields.get("type"), fields.get("error_type")]
    found += [inner.get("code")] if isinstance(inner, dict) else []
    return " ".join(one for one in found if isinstance(one, str))


def one_line(text: str) -> str:
    """Return a server's words on one line of at most 300 characters, without secrets."""
    line = redact(" ".join(text[: 20 * MAX_CHARACTERS_SHOWN].split()))
    return line if len(line) <= MAX_CHARACTERS_SHOWN else f"{line[:MAX_CHARACTERS_SHOWN]} …"


def backoff_seconds(tried: int) -> float:
    """Return the seconds before the next try: doubled up to 8, randomly up to 1/4 less."""
    return min(FIRST_BACKOFF * 2 ** min(tried, 16), MAX_BACKOFF) * (1 - random.random() / 4)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait; None where it names none.

    ``Retry-After`` is a number of seconds or a date (RFC 9110); some send ``retry-after-ms``.
    """
    found = [
        _parse_seconds(headers.get("retry-after-ms"), 1000),
        _parse_seconds(headers.get("retry-after"), 1),
        _seconds_until(headers.get("retry-after")),
    ]
    return next((wait for wait in found if wait is not None and wait > 0), None)


def _parse_seconds(text: str | None, parts: int) -> float | None:
    try:
        value = float(text or "") / parts
    except ValueError:
        return None
    return value if isfinite(value) else None


def _seconds_until(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text or "").timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
