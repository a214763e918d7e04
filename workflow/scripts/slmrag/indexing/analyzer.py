"""The analyzers that turn text into terms, for BM25 kinds without an analyzer of their own.

Texts in NFC and NFD have the same terms. Scripts without spaces become pairs of adjacent letters,
as in Lucene's CJKAnalyzer for Han and Kana; a single letter is a term.
"""

import logging
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import polars as pl
import regex

from slmrag.data.spelling import spelling_fold
from slmrag.data.unspaced_scripts import (
    LETTER,
    MARKS,
    POLARS_LETTER,
    SCRIPTS,
    class_ranges,
    rare_bytes,
)

Analyzer = Callable[[str], list[str]]

_log = logging.getLogger(__name__)
_WORD = re.compile(r"\w+")
_UP_TO_FFFF = bytes(range(0xF0))
_HIGH_LETTER = re.compile("[\U00010000-\U0001efff\U00020000-\U0010ffff]")
"""What may be a letter beyond U+FFFF: emoji are none."""
_WIDE_FORMS = re.compile("[\uff01-\uff9f]+")
_INVISIBLE = regex.compile(
    rf"(?<={MARKS})[\u200c\u200d]|[\ufe00-\ufe0f\U000e0100-\U000e01ef]|(?<=i)\u0307"
)

_LUCENE_STOPWORDS = """
a an and are as at be but by for if in into is it no not of on or such that the their then there
these they this to was will with
"""
STOPWORDS = {"none": frozenset(), "english": frozenset(_LUCENE_STOPWORDS.split())}


def split_words(text: str) -> list[str]:
    """Return the runs of letters, digits and underscores of a text, in lower case.

    Marks belong to the letter before them; letters of scripts without spaces come in pairs.
    """
    text = text.lower()
    if text.isascii():
        return _WORD.findall(text)
    far = rare_bytes(text)
    return _split_marked_words(text, far) if far else _WORD.findall(text)


def _split_marked_words(text: str, far: bytes) -> list[str]:
    """Return the words of a text that may hold marks; ``far`` are its rare bytes."""
    high = far.translate(None, _UP_TO_FFFF) and _HIGH_LETTER.search(text)
    known = _patterns(sys.maxunicode if high else 0xFFFF)
    if not known.odd.search(text) and unicodedata.is_normalized("NFC", text):
        return _WORD.findall(text)
    text = unicodedata.normalize("NFC", _WIDE_FORMS.sub(_narrow, text) if b"\xef" in far else text)
    if b"\xef" in far or b"\xf3" in far or any(sign in text for sign in "\u0307\u200c\u200d"):
        text = _INVISIBLE.sub("", text)
    found = known.run.findall(text)
    if not known.letter.search(text):
        return found
    return [term for run in found for term in ([run] if run.isascii() else _terms(run, known))]


def _narrow(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0])


class Patterns(NamedTuple):
    """Patterns of what needs care, a word, a letter of scripts without spaces, parts of a word."""

    odd: re.Pattern[str]
    run: re.Pattern[str]
    letter: re.Pattern[str]
    part: re.Pattern[str]


@cache
def _patterns(last: int) -> Patterns:
    letter, mark = class_ranges(LETTER, last), class_ranges(MARKS, last)
    return Patterns(
        re.compile(rf"[{letter}{mark}\uff01-\uff9f]"),
        re.compile(rf"\w[\w{mark}]*"),
        re.compile(rf"[{letter}][{mark}]*"),
        re.compile(rf"(?:[{letter}][{mark}]*)+|(?:(?![{letter}])[\w{mark}])+"),
    )


def _terms(run: str, known: Patterns) -> Iterator[str]:
    """Yield the terms of a run of letters, those of scripts without spaces in pairs."""
    for part in known.part.findall(run):
        letters = known.letter.findall(part)
        yield from map("".join, pairwise(letters)) if len(letters) > 1 else [part]


def split_whitespace(text: str) -> list[str]:
    """Return the texts between white space, in lower case and NFC."""
    return unicodedata.normalize("NFC", text.lower()).split()


TERM_DESCRIPTIONS = {"words": "pairs of letters", "whitespace": "what stands between white space"}
TOKENIZERS: dict[str, Analyzer] = {"words": split_words, "whitespace": split_whitespace}


def analyzer(
    tokenizer: str = "words", stopwords: str = "none", language: str | None = None
) -> Analyzer:
    """Return the function from a text of a language to its terms."""
    split, stop, one = TOKENIZERS[tokenizer], STOPWORDS[stopwords], spelling_fold(language)
    folded = (lambda text: split(one(text))) if one else split
    if not stop:
        return folded
    return lambda text: [term for term in folded(text) if term not in stop]


def unspaced_facts(terms: pl.Series, tokenizer: str = "words") -> dict[str, Any]:
    """Return index.json's facts about terms of scripts without spaces; empty without such terms."""
    found = terms.filter(terms.str.contains(POLARS_LETTER))
    if found.is_empty():
        return {}
    names = [name for name in SCRIPTS if found.str.contains(rf"\p{{{name}}}").any()]
    if tokenizer == "whitespace":
        _log.warning("%d terms of %s are whole sentences; use tokenizer: words", len(found), names)
    return {"unspaced": {"scripts": names, "terms": len(found), "as": TERM_DESCRIPTIONS[tokenizer]}}
