"""Files of the web, as a source."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from slmrag.errors import UserError
from slmrag.storage.base import CHUNK, Interrupted, Remote, WithoutRanges

TIMEOUT_SECONDS = 60.0
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "slm-experiments"}
PASSING = {408, 429, 500, 502, 503, 504}
REFUSALS = {
    401: "asks for a login; give a link that needs none",
    403: "is forbidden; check the link",
    404: "does not exist; check the link",
    410: "is gone; check the link",
    412: "changed while it was read; run again",
}


class Http:
    """An ``https://`` URL."""

    def __init__(self, uri: str, storage: dict[str, Any]) -> None:
        import urllib3

        self.uri = uri
        self.shown = uri.split("?")[0]
        self.pool = urllib3.PoolManager(
            maxsize=16, timeout=TIMEOUT_SECONDS, retries=False, **_trust(storage.get("verify"))
        )

    def files(self) -> list[Remote]:
        """Return the one file of the URL."""
        name = PurePosixPath(unquote(urlsplit(self.uri).path)).name
        if not name:
            raise UserError(f"{self.shown}: names no file; give the link of one file")
        return [self.describe(Remote(name, self.uri))]

    def describe(self, remote: Remote) -> Remote:
        """Ask the server for size, ETag and date."""
        answer = self._ask({})
        headers = answer.headers
        answer.close()
        size = headers.get("Content-Length", "")
        return Remote(
            name=remote.name,
            locator=self.uri,
            bytes=int(size) if size.isdigit() else None,
            etag=headers.get("ETag"),
            last_modified=headers.get("Last-Modified"),
        )

    def read(self, remote: Remote, start: int, stop: int | None) -> Iterator[bytes]:
        """Yield a range of the file; WithoutRanges where the server only sends it whole."""
        from urllib3.exceptions import HTTPError

        whole = start == 0 and stop in (None, remote.bytes)
        answer = self._ask({} if whole else _range(remote, start, stop))
        try:
            if not whole and answer.status != 206:
                raise WithoutRanges(self.shown)
            left = None if stop is None else stop - start
            for chunk in answer.stream(CHUNK):
                left = None if left is None else left - len(chunk)
                yield chunk
            if left:
                raise Interrupted(f"{self.shown}: the server sent fewer bytes than it announced")
        except HTTPError as error:
            raise Interrupted(f"{self.shown}: the connection was cut") from error
        finally:
            answer.close()

    def _ask(self, headers: dict[str, str]) -> Any:
        from urllib3.exceptions import HTTPError, SSLError

        try:
            answer = self._follow(headers)
        except HTTPError as error:
            if isinstance(getattr(error, "reason", error), SSLError):
                raise UserError(
                    f"{self.shown}: no trusted TLS connection; check the address, or set "
                    "`storage.verify` to the path of its CA bundle"
                ) from error
            raise Interrupted(f"{self.shown}: the server cannot be reached") from error
        self._check(answer.status)
        return answer

    def _follow(self, headers: dict[str, str]) -> Any:
        from urllib3 import Retry

        redirects = Retry(total=10, redirect=10, connect=0, read=0, status=0, other=0)
        return self.pool.request(
            "GET", self.uri, headers=HEADERS | headers, preload_content=False, retries=redirects
        )

    def _check(self, status: int) -> None:
        if status in PASSING:
            raise Interrupted(f"{self.shown}: the server answers with status {status}")
        if status >= 400:
            reason = REFUSALS.get(status, f"is refused with status {status}; check the link")
            raise UserError(f"{self.shown}: {reason}")


def _range(remote: Remote, start: int, stop: int | None) -> dict[str, str]:
    headers = {"Range": f"bytes={start}-" if stop is None else f"bytes={start}-{stop - 1}"}
    strong = remote.etag if remote.etag and not remote.etag.startswith("W/") else None
    validator = strong or remote.last_modified
    return headers | ({"If-Range": validator} if validator else {})


def _trust(verify: bool | str | None) -> dict[str, Any]:
    if verify is False:
        return {"cert_reqs": "CERT_NONE"}
    return {"ca_certs": verify} if isinstance(verify, str) else {}
