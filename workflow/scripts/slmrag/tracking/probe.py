"""Steps of a check, and small requests to a server."""

import socket
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

Step = tuple[str, Callable[[dict[str, Any]], str]]


def make_steps(chosen: Any, *functions: Callable[[Any, dict[str, Any]], str]) -> list[Step]:
    """Return functions of the settings and of earlier findings as steps, named as they are."""
    return [(function.__name__, partial(function, chosen)) for function in functions]


class ProbeError(Exception):
    """A failed step: what is wrong and what to do, in one sentence."""


def resolve_host(url: str) -> str:
    """Return the addresses of a URL's host; ProbeError if there are none."""
    host = urlsplit(url).hostname
    if not host:
        raise ProbeError(f"'{url}' is no URL with a host; write http://host:port")
    try:
        found = socket.getaddrinfo(host, None)
    except OSError as error:
        raise ProbeError(f"host '{host}' does not resolve: {error.strerror}") from None
    return f"{host} is {', '.join(sorted({str(entry[4][0]) for entry in found}))}"


def fetch_url(url: str, seconds: float) -> bytes:
    """Return the answer of a URL; ProbeError with the reason if there is none."""
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=seconds) as answer:  # the user's own server, http or https
            return answer.read()
    except HTTPError as error:
        raise ProbeError(
            f"{url} answers {error.code} {error.reason}: is this the API's port?"
        ) from None
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ProbeError(
            f"{url} does not answer: {reason}; is the server up, the port right?"
        ) from None
