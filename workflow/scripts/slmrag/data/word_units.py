"""Units of chunking by words: pieces between white space, or letters."""

from collections.abc import Sequence

import regex

from slmrag.config.languages import UNSPACED_LANGUAGES, primary_language
from slmrag.data.unspaced_scripts import CLUSTER, LETTER, has_unspaced, is_mostly_unspaced

MAX_NAME_LETTERS = 30
"""A piece with more letters is no name in a text of another script: it is split."""

_BEFORE = "[\u0e40-\u0e44\u0ec0-\u0ec4]"
"""Vowels of Thai and Lao that are written before their consonant."""
_LETTERS = regex.compile(
    rf"[\p{{Ps}}\p{{Pi}}]*{_BEFORE}?{CLUSTER}[\p{{Pe}}\p{{Pf}}\p{{Po}}]*"
    rf"|(?:(?![\p{{Ps}}\p{{Pi}}]*{LETTER}).)+",
    regex.V1,
)


def word_units(text: str, language: str | None = None) -> tuple[list[str], str]:
    """Return the pieces between white space; in scripts without spaces, their letters.

    In a text that is mostly of another script only pieces of over ``MAX_NAME_LETTERS`` signs are
    split. Each unit begins with a space if there was one before it. The second value is what
    stands between two units.
    """
    pieces = text.split()
    if not has_unspaced(text):
        return pieces, " "
    least = (
        0
        if primary_language(language) in UNSPACED_LANGUAGES or is_mostly_unspaced(text)
        else MAX_NAME_LETTERS
    )
    apart = (_letters(piece) if len(piece) > least else [f" {piece}"] for piece in pieces)
    return [unit for units in apart for unit in units], ""


def join_units(units: Sequence[str], between: str) -> str:
    """Return the units as one text, with single spaces for white space."""
    return between.join(units).removeprefix(" ")


def _letters(piece: str) -> list[str]:
    first, *rest = _LETTERS.findall(piece)
    return [f" {first}", *rest]
