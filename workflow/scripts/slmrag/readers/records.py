"""Records of JSON files, each with the line where it stands, and their fields, checked."""

import codecs
import json
from collections.abc import Iterator, Mapping
from json.decoder import WHITESPACE, JSONDecodeError
from pathlib import Path
from typing import Any

from slmrag.errors import UserError, nearest
from slmrag.readers.opening import chunks_of, lines_of

Record = Mapping[str, Any]
KINDS = {str: "text", list: "a list", dict: "an object", int: "a number"}
DECODER = json.JSONDecoder()
MARGIN = 32
"""Characters at the end of what has come in, where a value may look wrong by being half there."""


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of a JSONL file; empty lines are passed over."""
    for number, line in lines_of(path):
        if line.strip():
            yield number, parsed(line, path, number)


def parsed(line: str, path: Path, number: int) -> dict[str, Any]:
    """Return the object of one line; UserError where it is none."""
    try:
        record = json.loads(line)
    except ValueError as error:
        raise not_json(error, path, number) from error
    if not isinstance(record, dict):
        raise UserError(f"{path}, line {number}: not a JSON object; write one object a line")
    return record


def not_json(error: ValueError, path: Path, number: int) -> UserError:
    """Return the error that says which line is not JSON, and why."""
    reason = error.msg if isinstance(error, JSONDecodeError) else str(error)
    return UserError(f"{path}, line {number}: not JSON ({reason}); correct it")


def json_items(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of a JSON array of objects, one at a time, or of JSONL."""
    text = _text(path)
    first = next(text, "").lstrip("\ufeff")
    start = first.lstrip()[:1]
    if start == "{":
        yield from json_lines(path)
    elif start == "[":
        yield from _Array(path, first).items(text)
    else:
        raise UserError(f"{path}, line 1: neither a JSON array nor JSONL; check the format")


def _text(path: Path) -> Iterator[str]:
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    for chunk in chunks_of(path):
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start)
            raise UserError(f"{path}, line {line}: not UTF-8; convert the file to UTF-8") from error
        line += text.count("\n")
        yield text


class _Array:
    """The text of a JSON array, of which whole objects are cut off as it comes in."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text, self.line = path, text, 1
        self._skip("[")

    def items(self, more: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (line number, object) until the array closes; UserError where it does not."""
        whole = False
        while True:
            self._skip(",")
            if self.text.startswith("]"):
                return
            if (item := self._item(whole)) is not None:
                yield item
            elif whole:
                raise UserError(
                    f"{self.path}, line {self.line}: the JSON array never closes; fetch it again"
                )
            else:
                chunk = next(more, None)
                whole, self.text = chunk is None, self.text + (chunk or "")

    def _item(self, whole: bool) -> tuple[int, dict[str, Any]] | None:
        """Return the first object, or None while it has not come in whole."""
        try:
            value, end = DECODER.raw_decode(self.text)
        except JSONDecodeError as error:
            margin = 0 if whole else MARGIN
            if error.pos + margin < len(self.text.rstrip()) and "Unterm" not in error.msg:
                line = self.line + self.text.count("\n", 0, error.pos)
                raise not_json(error, self.path, line) from error
            return None
        if not isinstance(value, dict):
            raise UserError(f"{self.path}, line {self.line}: not a JSON object; correct the array")
        line = self.line
        self._cut(end)
        return line, value

    def _skip(self, mark: str) -> None:
        """Drop white space, and ``mark`` once among it."""
        for _ in range(2):
            self._cut(WHITESPACE.match(self.text, 0).end())  # type: ignore[union-attr]
            if mark and self.text.startswith(mark):
                self._cut(1)
                mark = ""

    def _cut(self, end: int) -> None:
        self.line += self.text.count("\n", 0, end)
        self.text = self.text[end:]


def field(record: Record, key: str, kind: type, path: Path, line: int) -> Any:
    """Return a value of a record; UserError where it is missing or of another kind."""
    if record.get(key) is None:
        hint = nearest(key, record) or f"; it has {', '.join(map(str, record)) or 'nothing'}"
        raise UserError(f"{path}, line {line}: no '{key}'{hint}")
    value = record[key]
    if not isinstance(value, kind):
        raise UserError(f"{path}, line {line}: '{key}' is not {KINDS.get(kind, kind)}; correct it")
    return value


def as_text(value: Any) -> str:
    """Return a name as text, though its writer made it a number; None is empty."""
    return "" if value is None else str(value)


def json_object(path: Path) -> dict[str, Any]:
    """Return a file that is one JSON object, held whole; UserError where it is none."""
    text = "".join(_text(path)).lstrip("\ufeff")
    try:
        value = json.loads(text)
    except JSONDecodeError as error:
        raise not_json(error, path, error.lineno) from error
    if not isinstance(value, dict):
        raise UserError(f"{path}, line 1: not a JSON object; check the format")
    return value
