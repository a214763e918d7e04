"""The bytes of an endpoint's response, and the chunks of an answer in them."""

import codecs
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from slmrag.generation.engines.openai_answer import PartialAnswer
from slmrag.generation.engines.openai_errors import (
    FinalError,
    IncompleteAnswer,
    ServerError,
    error_text,
    one_line,
)

FIELD_PATTERN = re.compile(rb"(data|event|id|retry)?:")
LINE_END_PATTERN = re.compile(rb"\r\n|\n|\r(?!\Z)")
BLANK_BYTES = codecs.BOM_UTF8 + b" \t\r\n"
MAX_ANSWER_BYTES = 64 << 20
NO_STREAM = "answers 200 with no stream"
CHECK_ENDPOINT = "does endpoint end in /v1, and does the server stream?"


class InterruptedAnswer(IncompleteAnswer):
    """The bytes ended or stopped coming."""


async def read_response(response: Any, answer: PartialAnswer, streams: bool) -> None:
    """Read a response of status 200; ``streams`` says that a stream was asked for.

    IncompleteAnswer where it does not come whole, FinalError where it is no answer of the protocol,
    ServerError or RefusedPrompt where the server says so. If the stream breaks off after the finish
    reason, only the token counts are lost.
    """
    try:
        await _read_body(response, answer, streams)
    except InterruptedAnswer:
        if answer.finish_reason is None:
            raise
    if answer.finish_reason is None:
        raise IncompleteAnswer("ends its stream without a finish reason")


async def _read_body(response: Any, answer: PartialAnswer, streams: bool) -> None:
    pieces = _pieces(response)
    head = await _head(pieces)
    kind = response.headers.get("content-type", "").lower()
    if "event-stream" in kind or FIELD_PATTERN.match(head.lstrip(BLANK_BYTES)):
        await EventReader(answer).read(head, pieces)
    else:
        _take_whole_answer(head + b"".join([piece async for piece in pieces]), answer, streams)


async def _pieces(response: Any) -> AsyncIterator[bytes]:
    """Yield bytes; InterruptedAnswer for whatever the transport raises meanwhile."""
    size = 0
    try:
        async for piece in response.iter_bytes():
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                break
            yield piece
    except Exception as error:
        cause = one_line(f"{type(error).__name__}: {error}".removesuffix(": "))
        raise InterruptedAnswer(f"breaks off in the middle of an answer ({cause})") from error
    if size > MAX_ANSWER_BYTES:
        raise IncompleteAnswer(f"sends more than {MAX_ANSWER_BYTES >> 20} MB for one answer")


async def _head(pieces: AsyncIterator[bytes]) -> bytes:
    """Return the first bytes: so many that they show what kind of body it is."""
    head = b""
    async for piece in pieces:
        head += piece
        if len(head.lstrip(BLANK_BYTES)) >= len("event:"):
            break
    return head


class EventReader:
    """The server-sent events of a stream (WHATWG's HTML standard), each a chunk of an answer."""

    def __init__(self, answer: PartialAnswer) -> None:
        self._answer = answer
        self._data: list[str] = []
        self._name = ""
        self._done = False

    async def read(self, head: bytes, pieces: AsyncIterator[bytes]) -> None:
        """Read all events up to [DONE] or the end."""
        rest = head.removeprefix(codecs.BOM_UTF8)
        while not self._done:
            *lines, rest = LINE_END_PATTERN.split(rest)
            for line in lines:
                self._add_line(line)
            piece = await anext(pieces, None)
            if piece is None:
                return self._end_stream(rest)
            rest += piece

    def _add_line(self, line: bytes) -> None:
        if self._done or line.startswith(b":"):
            return
        if not line:
            return self._end_event()
        if not FIELD_PATTERN.match(line):
            raise IncompleteAnswer(
                f"sends a line that does not belong to a stream ({one_line(repr(line[:80]))})"
            )
        try:
            field, _, value = line.decode().partition(":")
        except UnicodeDecodeError:
            raise IncompleteAnswer("sends bytes that are not UTF-8") from None
        if field == "data":
            self._data.append(value.removeprefix(" "))
        elif field == "event":
            self._name = value.strip()

    def _end_event(self) -> None:
        data, name = "\n".join(self._data).strip(), self._name
        self._data, self._name = [], ""
        if data.startswith("[DONE]"):
            self._done = True
        elif data:
            chunk = _parse_json(data)
            if name == "error":
                raise ServerError(chunk)
            self._answer.add_chunk(chunk)

    def _end_stream(self, rest: bytes) -> None:
        """Take a last event that is whole but lacks its blank line."""
        if self._done:
            return
        with suppress(IncompleteAnswer):
            if rest.strip():
                self._add_line(rest.rstrip(b"\r"))
            _parse_json("\n".join(self._data))
            self._end_event()


def _parse_json(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise IncompleteAnswer(f"sends an event that is not JSON ({one_line(data[:80])})") from None


def _take_whole_answer(body: bytes, answer: PartialAnswer, streams: bool) -> None:
    """Take an answer in one piece: FinalError where a stream was asked for."""
    if not body.strip(BLANK_BYTES):
        raise IncompleteAnswer("sends an empty answer")
    text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    try:
        found = _parse_json(text)
    except IncompleteAnswer:
        found = text
    if not isinstance(found, dict) or not found.get("choices"):
        raise FinalError(f"{NO_STREAM} ({one_line(error_text(found))}); {CHECK_ENDPOINT}")
    if streams:
        raise FinalError(
            f"{NO_STREAM} but a whole answer; if it cannot stream, set options: {{stream: false}}"
        )
    answer.add_chunk(found, "message")
