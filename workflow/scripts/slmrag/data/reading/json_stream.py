"""A JSON file as a stream of values, each with the line where it begins."""

import codecs
import json
import re
from collections.abc import Iterator
from json.decoder import JSONDecodeError
from pathlib import Path
from typing import Any

from slmrag.data.reading.compression import chunks_of
from slmrag.errors import UserError


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; ValueError if a key is in it twice, with two values."""
    found = dict(pairs)
    if len(found) < len(pairs):
        other = next((key for key, value in pairs if found[key] != value), None)
        if other is not None:
            raise ValueError(f"the key '{other}' occurs twice in one object, with two values")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_object)
MARGIN_CHARACTERS = 32
"""Characters at the end of the text read so far: an error there may be a half-read value."""


SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
"""The escape of a surrogate, half of a character; valid ones come in pairs."""


def refuse_surrogates(value: Any, text: str, path: Path, number: int) -> Any:
    """Return a value read from ``text``; UserError if it contains half a character."""
    if SURROGATE_ESCAPE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            reason = f"half a character, \\u{ord(error.object[error.start]):x}, stands alone"
            raise UserError(f"{path}, line {number}: {reason}; correct it") from error
    return value


def too_deep_error(path: Path, number: int) -> UserError:
    """Return the error for brackets that are nested too deep."""
    return UserError(f"{path}, line {number}: brackets nested too deep to be data; correct it")


def not_json_error(error: ValueError, path: Path, number: int) -> UserError:
    """Return the error that says which line is not JSON, and why."""
    reason = error.msg if isinstance(error, JSONDecodeError) else str(error)
    return UserError(f"{path}, line {number}: not JSON ({reason}); correct it")


WHITESPACE = re.compile(r"[ \t\n\r]*")  # of JSON alone: no Unicode spaces


class JsonStream:
    """The rest of a JSON file: text in memory, and what is still on the disk."""

    def __init__(self, path: Path) -> None:
        self.path, self.more = path, _text(path)
        self.text, self.at, self.line, self.complete = "", 0, 1, False

    def peek(self) -> str:
        """Return the next character that is no white space; empty at the end of the file."""
        while True:
            self._advance(WHITESPACE.match(self.text, self.at).end())  # type: ignore[union-attr]
            if self.at < len(self.text) or self.complete:
                return self.text[self.at : self.at + 1]
            self._read_more()

    def take(self, mark: str) -> bool:
        """Skip ``mark`` if it comes next, and tell whether it did."""
        found = self.peek() == mark
        self._advance(self.at + found)
        return found

    def items(self) -> Iterator[tuple[int, Any]]:
        """Yield (line, value) of an array after its opening bracket, up to its closing one."""
        while not self.take("]"):
            yield self.value()
            if not self.take(",") and self.peek() != "]":
                raise (
                    self.cut_off_error("array") if not self.peek() else self._missing_comma_error()
                )

    def value(self) -> tuple[int, Any]:
        """Return (line, the next value); UserError if there is none."""
        while True:
            self.peek()
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
            except JSONDecodeError as error:
                self._raise_unless_half_read(error)
            except RecursionError as error:
                raise too_deep_error(self.path, self.line) from error
            except ValueError as error:
                raise not_json_error(error, self.path, self.line) from error
            else:
                if end < len(self.text) or self.complete:
                    line, text = self.line, self.text[self.at : end]
                    self._advance(end)
                    return line, refuse_surrogates(value, text, self.path, line)
            self._read_more()

    def end(self) -> None:
        """Raise UserError if something follows the value that should be the whole file."""
        if self.peek():
            raise UserError(
                f"{self.path}, line {self.line}: something follows the end of the JSON; remove it"
            )

    def cut_off_error(self, what: str) -> UserError:
        """Return the error for a file that ends too early."""
        return UserError(
            f"{self.path}, line {self.line}: the JSON {what} never closes; download it again"
        )

    def _missing_comma_error(self) -> UserError:
        return UserError(f"{self.path}, line {self.line}: not JSON (no comma); correct it")

    def _raise_unless_half_read(self, error: JSONDecodeError) -> None:
        """Raise UserError unless more text could resolve the error."""
        if self.complete and error.pos >= len(self.text.rstrip()):
            raise self.cut_off_error("array") from error
        margin = 0 if self.complete else MARGIN_CHARACTERS
        half = error.pos + margin >= len(self.text.rstrip()) or "Unterm" in error.msg
        if self.complete or not half:
            line = self.line + self.text.count("\n", self.at, error.pos)
            raise not_json_error(error, self.path, line) from error

    def _read_more(self) -> None:
        chunk = next(self.more, None)
        self.text, self.at = self.text[self.at :] + (chunk or ""), 0
        self.complete = chunk is None

    def _advance(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = end


def _text(path: Path) -> Iterator[str]:
    """Yield the text of a file in chunks, without a byte order mark."""
    decoder, line = codecs.getincrementaldecoder("utf-8-sig")(), 1
    for chunk in chunks_of(path):
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start)
            raise UserError(f"{path}, line {line}: not UTF-8; convert the file to UTF-8") from error
        line += text.count("\n")
        yield text
