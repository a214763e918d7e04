"""Where sentences end, in all scripts, by punctuation alone."""

import re
from collections.abc import Iterator
from functools import cache

import regex

from slmrag.config.languages import primary_language
from slmrag.data.unspaced_scripts import rare_bytes

ASCII_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])|\n{2,}")
"""White space after a full stop and before a capital or a digit, or an empty line."""
FULL_STOPS = "。！？｡．।॥؟۔։።፧፨။។៕᠃᠉꧉"
"""Signs of other scripts that end a sentence, with or without white space after them."""
CLOSING = "」』”’）》〉】»\"')\\]"
OPENING = "\"'(\\[«„「『（《〈【¿¡"
CURLY_QUOTES = "“‘”’"
"""Quotes that count only if a language is named: without one, passages were never cut there.

For the same reason ``ASCII_END`` loses a closing quote after a full stop if no language is named.
"""
_SPACE = r"[\s\x1c-\x1f]"


@cache
def sentence_gap(language: str | None, far: bool = True) -> "regex.Pattern[str]":
    """Return a pattern of the gap between two sentences of a text that is not plain English.

    Gaps are: white space after a full stop and before a digit or a letter that is not lower case;
    white space, or nothing, after the full stop of another script and its closing quotes; white
    space after a shad, after ``;`` in Greek, and between letters of Thai or Lao, which have no full
    stop; an empty line. Without ``far`` it is the pattern for texts without rare letters or signs.
    """
    more = ";\u037e" if primary_language(language) == "el" else ""
    quotes = OPENING + CURLY_QUOTES if language else OPENING
    begins = rf"(?=(?:«{_SPACE})?[{quotes}]*[\p{{Lu}}\p{{Lt}}\p{{Lo}}\p{{Nd}}])"
    stop = rf"(?<=[.!?{more}][{CLOSING}]*)" if language else r"(?<=[.!?])[\"')\]]*"
    ways = [rf"{stop}{_SPACE}+{begins}", r"\n{2,}"]
    others = [
        rf"(?<=[{FULL_STOPS}][{CLOSING}]*){_SPACE}*+(?=\S)(?![{FULL_STOPS}{CLOSING}])(?<!．(?=\p{{Nd}}))",
        rf"(?<=།){_SPACE}+",
        rf"(?<=[\p{{Thai}}\p{{Lao}}]){_SPACE}+(?=[\p{{Thai}}\p{{Lao}}])",
    ]
    return regex.compile("|".join(ways + others * far), regex.V1)


def sentences(text: str, language: str | None = None) -> list[str]:
    """Return the sentences, by punctuation alone: "Dr. Who" counts as two."""
    return [unit.strip() for unit in sentence_units(text, language)[0]]


def sentence_units(text: str, language: str | None = None) -> tuple[list[str], str]:
    """Return the sentences and the text between two: empty if each begins with its own space."""
    if text.isascii() and not language:
        pieces = (" ".join(piece.split()) for piece in ASCII_END.split(text))
        return [piece for piece in pieces if piece], " "
    return [unit for unit in _spaced_sentences(text, language) if unit.strip()], ""


def _spaced_sentences(text: str, language: str | None) -> Iterator[str]:
    start, space = 0, " "
    for gap in sentence_gap(language, bool(rare_bytes(text))).finditer(text):
        yield space + " ".join(text[start : gap.start()].split())
        start, space = gap.end(), " " if gap[0] else ""
    yield space + " ".join(text[start:].split())
