"""Files of the web, as a source: bytes are taken as they are sent, without decoding."""

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from slmrag.errors import UserError
from slmrag.storage.content_encodings import content_coding
from slmrag.storage.proxies import Pools, proxy_for, without_login
from slmrag.storage.source import CHUNK_BYTES, Interrupted, NoRangeSupport, RemoteFile

TIMEOUT_SECONDS = 60.0
MAX_REDIRECTS = 10
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "slm-experiments"}
RETRYABLE_STATUSES = {408, 429, 500, 502, 503, 504}
WHOLE_FILE_STATUSES = (200, 203)
"""Statuses of a whole file; others below 400 mean a part (206) or nothing yet (202, 204)."""
REFUSAL_SENTENCES = {
    401: "asks for a login; give a link that needs none",
    403: "is forbidden; check the link",
    404: "does not exist; check the link",
    407: "is refused by the proxy: write user and password into its address in the environment",
    410: "is gone; check the link",
    412: "changed while it was read; run again",
    416: "changed while it was read; run again",
}


class Http:
    """An ``https://`` URL."""

    def __init__(self, uri: str, storage: dict[str, Any]) -> None:
        self.uri = uri
        self.address = uri.split("?")[0]
        self.pools = Pools(
            maxsize=16,
            timeout=TIMEOUT_SECONDS,
            retries=False,
            **_tls_settings(storage.get("verify")),
        )

    def files(self) -> list[RemoteFile]:
        """Return the one file of the URL."""
        name = PurePosixPath(unquote(urlsplit(self.uri).path)).name
        if not name:
            raise UserError(f"{self.address}: names no file; give the link of one file")
        return [self.describe(RemoteFile(name, self.uri))]

    def describe(self, remote: RemoteFile) -> RemoteFile:
        """Ask the server for size, ETag, date and encoding."""
        answer = self._request({})
        headers = answer.headers
        answer.close()
        return RemoteFile(
            name=remote.name,
            locator=self.uri,
            bytes=None if answer.chunked else answer.length_remaining,
            etag=headers.get("ETag"),
            last_modified=headers.get("Last-Modified"),
            encoding=content_coding(headers.get("Content-Encoding")),
            open_ended=answer.length_remaining is None and not answer.chunked,
        )

    def read(self, remote: RemoteFile, start: int, stop: int | None) -> Iterator[bytes]:
        """Yield a range of the bytes as sent; NoRangeSupport if the server has no ranges."""
        from urllib3.exceptions import HTTPError

        whole = start == 0 and stop in (None, remote.bytes)
        answer = self._request({} if whole else _range_headers(remote, start, stop))
        try:
            if not whole and not _is_range(answer, remote, start):
                raise NoRangeSupport(self.address)
            self._refuse_change(answer, remote, stop and stop - start)
            yield from answer.stream(CHUNK_BYTES, decode_content=False)
        except HTTPError as error:
            raise Interrupted(f"{self.address}: the connection was cut") from error
        finally:
            answer.close()

    def _refuse_change(self, answer: Any, remote: RemoteFile, wanted: int | None) -> None:
        """Raise UserError if the body is not the one that was described."""
        length = None if answer.chunked else answer.length_remaining
        if None not in (wanted, length) and length != wanted:
            raise UserError(f"{self.address}: {REFUSAL_SENTENCES[412]}")
        if content_coding(answer.headers.get("Content-Encoding")) != remote.encoding:
            raise UserError(f"{self.address}: is sent in one encoding, then in another; run again")

    def _request(self, headers: dict[str, str]) -> Any:
        from urllib3.exceptions import HTTPError, ProxyError, SSLError

        try:
            answer = self._follow(headers)
        except ProxyError as error:
            raise self._proxy_error(error) from error
        except HTTPError as error:
            if isinstance(error, SSLError):
                raise UserError(
                    f"{self.address}: no trusted TLS connection; check the address, or set "
                    "`storage.verify` to the path of its CA bundle"
                ) from error
            raise Interrupted(f"{self.address}: the server cannot be reached") from error
        self._check_status(
            answer.status,
            {*WHOLE_FILE_STATUSES, 206} if "Range" in headers else WHOLE_FILE_STATUSES,
        )
        return answer

    def _proxy_error(self, error: Any) -> Exception:
        """Return the error to raise if a proxy refuses a request."""
        proxy, reason = without_login(proxy_for(self.uri) or "the proxy"), str(error.original_error)
        if " 407" in reason:
            return UserError(f"{self.address}: {REFUSAL_SENTENCES[407]} ({proxy})")
        return Interrupted(
            f"{self.address}: the proxy {proxy} from the environment does not forward the request "
            f"({reason.rstrip('. ')})"
        )

    def _follow(self, headers: dict[str, str]) -> Any:
        """Send a request and follow redirects; each address has its own proxy, or none."""
        url = self.uri
        for _ in range(MAX_REDIRECTS + 1):
            answer = self.pools.pool_for(url).request(
                "GET", url, headers=HEADERS | headers, preload_content=False, redirect=False
            )
            if not (place := answer.get_redirect_location()):
                return answer
            answer.close()
            url = urljoin(url, place)
            if not url.startswith(("http://", "https://")):
                break
        raise UserError(
            f"{self.address}: is redirected to no http(s) address, or endlessly; check the link"
        )

    def _check_status(self, status: int, wanted: Collection[int]) -> None:
        if status in RETRYABLE_STATUSES:
            raise Interrupted(f"{self.address}: the server answers with status {status}")
        if status >= 400:
            reason = REFUSAL_SENTENCES.get(
                status, f"is refused with status {status}; check the link"
            )
            raise UserError(f"{self.address}: {reason}")
        if status not in wanted:
            raise UserError(f"{self.address}: status {status} is no whole file; check the link")


def _range_headers(remote: RemoteFile, start: int, stop: int | None) -> dict[str, str]:
    headers = {"Range": f"bytes={start}-" if stop is None else f"bytes={start}-{stop - 1}"}
    strong = remote.etag if remote.etag and not remote.etag.startswith("W/") else None
    validator = strong or remote.last_modified
    return headers | ({"If-Range": validator} if validator else {})


def _is_range(answer: Any, remote: RemoteFile, start: int) -> bool:
    """Tell whether an answer is a range from ``start`` of the described bytes."""
    found = re.match(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    same = content_coding(answer.headers.get("Content-Encoding")) == remote.encoding
    if answer.status != 206 or not same:
        return False
    return found is None or (int(found[1]) == start and found[2] in ("*", str(remote.bytes)))


def _tls_settings(verify: bool | str | None) -> dict[str, Any]:
    if verify is False:
        return {"cert_reqs": "CERT_NONE"}
    return {"ca_certs": verify} if isinstance(verify, str) else {}
