"""How long to wait before an endpoint is asked again."""

import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isfinite

FIRST_WAIT = 0.5
LONGEST_BACKOFF = 8.0


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
