"""The bytes of an endpoint's response, and the chunks of an answer in them."""

import codecs
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from slmrag.generation.engines.openai_answer import Reading
from slmrag.generation.engines.openai_errors import Broken, Ended, Told, one_line, words_of_error

FIELD = re.compile(rb"(data|event|id|retry)?:")
LINE = re.compile(rb"\r\n|\n|\r(?!\Z)")
BLANK = codecs.BOM_UTF8 + b" \t\r\n"
MOST_BYTES_OF_A_LINE = 64 << 20
NO_STREAM = "answers 200 with no stream"
CHECK_ENDPOINT = "does endpoint end in /v1, and does the server stream?"


class Cut(Broken):
    """The bytes ended or stopped coming."""


async def read(response: Any, reading: Reading, streams: bool) -> None:
    """Take a response of status 200; ``streams`` says that a stream was asked for.

    Broken where it does not come whole, Ended where it is no answer of the protocol, Told or
    Refused where the server says so. A cut after the finish reason loses the usage alone.
    """
    try:
        await _take(response, reading, streams)
    except Cut:
        if reading.finish is None:
            raise
    if reading.finish is None:
        raise Broken("ends its stream without a finish reason")


async def _take(response: Any, reading: Reading, streams: bool) -> None:
    pieces = _pieces(response)
    head = await _head(pieces)
    kind = response.headers.get("content-type", "").lower()
    if "event-stream" in kind or FIELD.match(head.lstrip(BLANK)):
        await Events(reading).take(head, pieces)
    else:
        _whole(head + b"".join([piece async for piece in pieces]), reading, streams)


async def _pieces(response: Any) -> AsyncIterator[bytes]:
    """Yield bytes; whatever the transport raises meanwhile is a cut."""
    size = 0
    try:
        async for piece in response.iter_bytes():
            size += len(piece)
            if size > MOST_BYTES_OF_A_LINE:
                break
            yield piece
    except Exception as error:
        cause = one_line(f"{type(error).__name__}: {error}".removesuffix(": "))
        raise Cut(f"breaks off in the middle of an answer ({cause})") from error
    if size > MOST_BYTES_OF_A_LINE:
        raise Broken(f"sends more than {MOST_BYTES_OF_A_LINE >> 20} MB for one answer")


async def _head(pieces: AsyncIterator[bytes]) -> bytes:
    """Return the bytes up to some that tell what kind of a body it is."""
    head = b""
    async for piece in pieces:
        head += piece
        if len(head.lstrip(BLANK)) >= len("event:"):
            break
    return head


class Events:
    """The server-sent events of a stream (WHATWG's HTML standard), each a chunk of an answer."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._data: list[str] = []
        self._name = ""
        self._done = False

    async def take(self, head: bytes, pieces: AsyncIterator[bytes]) -> None:
        """Take all events up to [DONE] or the end."""
        rest = head.removeprefix(codecs.BOM_UTF8)
        while not self._done:
            *lines, rest = LINE.split(rest)
            for line in lines:
                self._line(line)
            piece = await anext(pieces, None)
            if piece is None:
                return self._last(rest)
            rest += piece

    def _line(self, line: bytes) -> None:
        if self._done or line.startswith(b":"):
            return
        if not line:
            return self._event()
        if not FIELD.match(line):
            raise Broken(f"sends a line that is none of a stream ({one_line(repr(line[:80]))})")
        try:
            field, _, value = line.decode().partition(":")
        except UnicodeDecodeError:
            raise Broken("sends bytes that are no UTF-8") from None
        if field == "data":
            self._data.append(value.removeprefix(" "))
        elif field == "event":
            self._name = value.strip()

    def _event(self) -> None:
        data, name = "\n".join(self._data).strip(), self._name
        self._data, self._name = [], ""
        if data.startswith("[DONE]"):
            self._done = True
        elif data:
            chunk = _parsed(data)
            if name == "error":
                raise Told(chunk)
            self._reading.take(chunk)

    def _last(self, rest: bytes) -> None:
        """Take the event that lacks its blank line, where it is whole."""
        if self._done:
            return
        with suppress(Broken):
            if rest.strip():
                self._line(rest.rstrip(b"\r"))
            _parsed("\n".join(self._data))
            self._event()


def _parsed(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Broken(f"sends an event that is no JSON ({one_line(data[:80])})") from None


def _whole(body: bytes, reading: Reading, streams: bool) -> None:
    """Take an answer in one piece, which is one where no stream was asked for."""
    if not body.strip(BLANK):
        raise Broken("answers with nothing at all")
    text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    try:
        found = _parsed(text)
    except Broken:
        found = text
    if not isinstance(found, dict) or not found.get("choices"):
        raise Ended(f"{NO_STREAM} ({one_line(words_of_error(found))}); {CHECK_ENDPOINT}")
    if streams:
        raise Ended(
            f"{NO_STREAM} but a whole answer; if it cannot stream, set options: {{stream: false}}"
        )
    reading.take(found, "message")
