"""Formats of corpora and of question sets: a new one is a module and a line in ``FORMATS``.

A module ``data/formats/{format}.py`` has ``passages(path, columns)``, which yields tables of the
columns ``id``, ``title``, ``text`` and ``line``, or ``questions(path, columns)``, which yields
``Question``s, or both. It reads one file, streaming; duplicates, empty answers, sampling and the
audit are handled elsewhere. ``nq_open.py`` is a short example.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from slmrag.errors import UserError, nearest


def _dpr_tsv() -> ModuleType:
    from slmrag.data.formats import dpr_tsv

    return dpr_tsv


def _beir() -> ModuleType:
    from slmrag.data.formats import beir

    return beir


def _jsonl() -> ModuleType:
    from slmrag.data.formats import jsonl

    return jsonl


def _csv() -> ModuleType:
    from slmrag.data.formats import csv

    return csv


def _parquet() -> ModuleType:
    from slmrag.data.formats import parquet

    return parquet


def _dpr() -> ModuleType:
    from slmrag.data.formats import dpr

    return dpr


def _dpr_qa() -> ModuleType:
    from slmrag.data.formats import dpr_qa

    return dpr_qa


def _nq_open() -> ModuleType:
    from slmrag.data.formats import nq_open

    return nq_open


def _simpleqa() -> ModuleType:
    from slmrag.data.formats import simpleqa

    return simpleqa


def _squad() -> ModuleType:
    from slmrag.data.formats import squad

    return squad


def _kilt() -> ModuleType:
    from slmrag.data.formats import kilt

    return kilt


def _nq_simplified() -> ModuleType:
    from slmrag.data.formats import nq_simplified

    return nq_simplified


def _text() -> ModuleType:
    from slmrag.data.formats import text

    return text


FORMATS: dict[str, Callable[[], ModuleType]] = {
    "dpr_tsv": _dpr_tsv,
    "beir": _beir,
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet": _parquet,
    "dpr": _dpr,
    "dpr_qa": _dpr_qa,
    "nq_open": _nq_open,
    "simpleqa": _simpleqa,
    "squad": _squad,
    "kilt": _kilt,
    "nq_simplified": _nq_simplified,
    "text": _text,
}


Reader = Callable[[Path, Mapping[str, str]], Iterator[Any]]
"""Takes a file and the user's columns; yields tables of passages, or questions."""
DIALECT_KEYS = ("separator", "quoting", "header")
"""Keys of an entry for the CSV dialect; the config refuses them for other formats."""


def reader(name: str, kind: str, entry: Mapping[str, Any] | None = None, **more: Any) -> Reader:
    """Return the function that reads ``kind`` ("passages" or "questions") of a format.

    ``entry`` may set the CSV dialect; ``more`` are keywords of the format.
    """
    if name not in FORMATS:
        hint = nearest(name, FORMATS) or f"; known: {', '.join(FORMATS)}"
        raise UserError(f"no format is called '{name}'{hint}")
    function = getattr(FORMATS[name](), kind, None)
    if function is None:
        raise UserError(f"format '{name}' holds no {kind}; choose another format")
    keys = {key: entry[key] for key in DIALECT_KEYS if key in entry} if entry else {}
    read = partial(function, **keys, **more)
    return read if name == "text" else _refusing_stand_ins(read, name)


def _refusing_stand_ins(read: Reader, name: str) -> Reader:
    """Return a reader that first refuses files that are no data."""
    from slmrag.data.reading.file_kinds import refuse_stand_in

    def read_checked(path: Path, columns: Mapping[str, str]) -> Iterator[Any]:
        refuse_stand_in(path, name)
        return read(path, columns)

    return read_checked
