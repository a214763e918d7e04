"""The HTTP client of an endpoint: key, certificates, proxies, time limits."""

import os
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import (  # type: ignore[attr-defined]  # typeshed lacks the second
    getproxies_environment,
    proxy_bypass_environment,
)

from slmrag.errors import UserError
from slmrag.generation.engines.base import EngineConfig

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DEFAULT_TIMEOUT = 120.0
CONNECT_TIMEOUT = 10.0
# Errors that the same request would meet again.
PERMANENT_ERRORS = ("LocalProtocolError", "UnsupportedProtocol", "InvalidURL", "TooManyRedirects")


def make_client(config: EngineConfig) -> "AsyncOpenAI":
    """Return a client that tries once; UserError where the environment lets none be made."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

    place = config.entry["endpoint"]
    seconds = float(config.options.get("timeout", DEFAULT_TIMEOUT))
    timeout = Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT))
    key, known = _api_key(config.options), _certificates()
    ways: dict[str, Any] = {"verify": known} if known else {}
    try:
        # A redirect may ask again without the prompt, and what answers then answers nothing.
        ways |= {"follow_redirects": False, "trust_env": not needs_no_proxy(place)}
        http = DefaultAsyncHttpxClient(timeout=timeout, **ways)
    except ImportError:
        raise UserError(
            f"{proxy_of(place)} is a SOCKS proxy, which needs the package socksio; install it, or "
            "name the endpoint's host in NO_PROXY"
        ) from None
    except ValueError as error:
        raise UserError(f"{proxy_of(place)} is not a usable proxy ({error})") from None
    return AsyncOpenAI(
        base_url=place, api_key=key, max_retries=0, timeout=timeout, http_client=http
    )


def _api_key(options: dict[str, Any]) -> str:
    name = options.get("api_key_env", "OPENAI_API_KEY")
    key = os.environ.get(name) or ""
    if "api_key_env" in options and not key:
        raise UserError(f"options.api_key_env: the environment has no {name}; export the key there")
    if not all("!" <= one <= "~" for one in key):
        raise UserError(
            f"the key in {name} holds white space, a line break (at its end?) or another character "
            "that no key has; export it without it"
        )
    return key or "none"


def _certificates() -> ssl.SSLContext | None:
    """Return the certificates that SSL_CERT_FILE names, None where it is not set."""
    path = os.environ.get("SSL_CERT_FILE")
    if not path:
        return None
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = (
            "does not exist"
            if isinstance(error, FileNotFoundError)
            else f"cannot be read ({error})"
        )
        raise UserError(
            f"SSL_CERT_FILE: the file of certificates {path} {reason}; correct or unset it"
        ) from None


def needs_no_proxy(place: str) -> bool:
    """Tell whether an endpoint is asked without a proxy: on loopback, or by NO_PROXY."""
    host = urlsplit(place).hostname or ""
    return _is_loopback(host) or bool(proxy_bypass_environment(host))


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def proxy_of(place: str) -> str:
    """Return variable and place of an endpoint's proxy, without its password; '' for none."""
    found = {} if needs_no_proxy(place) else getproxies_environment()
    scheme = next((one for one in (urlsplit(place).scheme, "all") if found.get(one)), "")
    address = found.get(scheme, "").rpartition("@")[2]
    return f"{scheme.upper()}_PROXY ({address})" if address else ""


def describe_connection_error(error: BaseException, place: str) -> tuple[str, bool]:
    """Return why a request got no answer, and whether a retry may help."""
    chain = list(_error_chain(error))
    tls = next((one for one in chain if isinstance(one, ssl.SSLError)), None)
    if isinstance(tls, ssl.SSLCertVerificationError):
        reason = tls.verify_message
        return f"shows a certificate that is not trusted ({reason}); set SSL_CERT_FILE", False
    if tls and tls.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"):
        return "does not speak https; write http:// in endpoint", False
    kind = next((one for one in chain if type(one).__name__ in PERMANENT_ERRORS), None)
    if kind:
        return (
            f"cannot be sent this request ({kind}); check endpoint and options.extra_headers",
            False,
        )
    last = next((f"{one}" for one in reversed(chain) if f"{one}"), type(error).__name__)
    proxy = proxy_of(place)
    if proxy and any(type(one).__name__ in ("ConnectError", "ProxyError") for one in chain):
        return (
            f"does not answer by way of the proxy {proxy} ({last}); is it up? Else unset it",
            True,
        )
    return f"does not answer ({error}: {last}); is the server up?", True


def _error_chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
