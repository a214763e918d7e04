"""Proxies from the environment variables that curl and pip read too."""

import ipaddress
import re
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import (  # type: ignore[attr-defined]  # typeshed lacks the second
    getproxies_environment,
    proxy_bypass_environment,
)

from slmrag.errors import UserError

DEFAULT_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str) -> str | None:
    """Return the proxy's address for a URL, or None.

    ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy`` count, in lower or upper case.
    ``no_proxy`` holds hosts (with their subdomains), hosts with a port, and networks. Addresses of
    this machine never use a proxy.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    named = getproxies_environment()
    found = named.get(parts.scheme) or named.get("all")
    near = [re.sub(r"^\*\.", ".", name) for name in re.split(r"[,\s]+", named.get("no", ""))]
    place = f"{host}:{parts.port or DEFAULT_PORTS.get(parts.scheme, '')}"
    if not found or is_loopback(host) or _in_networks(host, near):
        return None
    if proxy_bypass_environment(place, {"no": ",".join(near)}):
        return None
    return found if "://" in found else f"http://{found}"


def is_loopback(host: str) -> bool:
    """Tell whether a host's name or address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _in_networks(host: str, listed: list[str]) -> bool:
    """Tell whether a host's address is in one of the networks (10.0.0.0/8) of a list."""
    with suppress(ValueError):
        number = ipaddress.ip_address(host)
        return any(number in network for network in _networks(listed))
    return False


def _networks(listed: list[str]) -> list[Any]:
    found = []
    for name in listed:
        with suppress(ValueError):
            found.append(ipaddress.ip_network(name.strip("[]"), strict=False))
    return found


def without_login(proxy: str) -> str:
    """Return a proxy's address without its login."""
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class Pools:
    """Connection pools, one per proxy."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._made: dict[str | None, Any] = {}

    def pool_for(self, url: str) -> Any:
        """Return urllib3's manager for a URL; UserError for a proxy of another kind."""
        proxy = proxy_for(url)
        if proxy not in self._made:
            self._made[proxy] = self._make(proxy)
        return self._made[proxy]

    def _make(self, proxy: str | None) -> Any:
        import urllib3

        if proxy is None:
            return urllib3.PoolManager(**self._settings)
        parts = urlsplit(proxy)
        if parts.scheme not in ("http", "https"):
            raise UserError(
                f"{without_login(proxy)}: the environment names a proxy of an unsupported "
                "kind; name one by http://, or the host in no_proxy"
            )
        login = unquote(parts.netloc.rpartition("@")[0])
        headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
        return urllib3.ProxyManager(without_login(proxy), proxy_headers=headers, **self._settings)
