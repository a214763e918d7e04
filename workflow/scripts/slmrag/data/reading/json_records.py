"""Records of JSON files, each with its line number."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from slmrag.data.reading.compression import chunks_of, lines_of
from slmrag.data.reading.json_stream import (
    DECODER,
    JsonStream,
    not_json_error,
    refuse_surrogates,
    too_deep_error,
)
from slmrag.errors import UserError

WithLine = tuple[int, dict[str, Any]]
START_BYTES = 4096
"""Enough bytes to see whether a file is an array."""


def json_lines(path: Path) -> Iterator[WithLine]:
    """Yield (line number, object) of a JSONL file, or of an array; empty lines are skipped."""
    if next(chunks_of(path, START_BYTES), b"").removeprefix(BOM_UTF8).lstrip().startswith(b"["):
        yield from json_items(path)
        return
    for number, line in lines_of(path):
        if line.strip():
            yield number, parse_line(line, path, number)


def parse_line(line: str, path: Path, number: int) -> dict[str, Any]:
    """Return the object of one line; UserError if it is none."""
    try:
        record = refuse_surrogates(DECODER.decode(line), line, path, number)
    except JSONDecodeError as error:
        raise _line_error(error, line, path, number) from error
    except ValueError as error:
        raise not_json_error(error, path, number) from error
    except RecursionError as error:
        raise too_deep_error(path, number) from error
    if not isinstance(record, dict):
        raise UserError(f"{path}, line {number}: not a JSON object; write one object a line")
    return record


def _line_error(error: JSONDecodeError, line: str, path: Path, number: int) -> UserError:
    """Return the error for a line that is not JSON, or has more or less than one object."""
    half = error.pos >= len(line.rstrip()) or error.msg.startswith("Unterminated")
    if half or error.msg == "Extra data":
        does = "ends in the middle of" if half else "goes on behind"
        return UserError(
            f"{path}, line {number}: not JSON (the line {does} its object); write one object a "
            "line, or an array of them"
        )
    return not_json_error(error, path, number)


def json_items(path: Path) -> Iterator[WithLine]:
    """Yield (line number, object) of a JSON array of objects, one at a time, or of JSONL."""
    stream = JsonStream(path)
    if stream.take("["):
        yield from _objects(stream)
        stream.end()
    elif stream.peek() == "{":
        yield from json_lines(path)
    else:
        raise UserError(f"{path}, line 1: neither a JSON array nor JSONL; check the format")


def json_member(path: Path, name: str) -> Iterator[WithLine]:
    """Yield (line number, object) of the array under the key ``name`` of a file's one object."""
    stream, seen = JsonStream(path), False
    if not stream.take("{"):
        raise UserError(f"{path}, line 1: not a JSON object; check the format")
    while not stream.take("}"):
        line, key = stream.value()
        if not stream.take(":"):
            raise stream.cut_off_error("object")
        if key == name:
            seen = True
            if not stream.take("["):
                raise UserError(f"{path}, line {line}: '{name}' is not a list; correct it")
            yield from _objects(stream)
        else:
            stream.value()
        if not stream.take(",") and stream.peek() != "}":
            raise stream.cut_off_error("object")
    stream.end()
    if not seen:
        raise UserError(f"{path}, line 1: no '{name}'; check the format")


def _objects(stream: JsonStream) -> Iterator[WithLine]:
    for line, value in stream.items():
        if not isinstance(value, dict):
            raise UserError(f"{stream.path}, line {line}: not a JSON object; correct the array")
        yield line, value
