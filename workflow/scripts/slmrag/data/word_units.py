"""What counts as a word where texts are cut: what stands between white space, or a letter."""

from collections.abc import Sequence

import regex

from slmrag.config.languages import UNSPACED_LANGUAGES, primary_language
from slmrag.data.unspaced_scripts import CLUSTER, LETTER, has_unspaced, is_mostly_unspaced

MAX_NAME_LETTERS = 30
"""Letters without a space between them that are no name in a text of another script."""

_BEFORE = "[\u0e40-\u0e44\u0ec0-\u0ec4]"
"""Vowels of Thai and Lao that are written before the consonant that they are spoken after."""
_LETTERS = regex.compile(
    rf"[\p{{Ps}}\p{{Pi}}]*{_BEFORE}?{CLUSTER}[\p{{Pe}}\p{{Pf}}\p{{Po}}]*"
    rf"|(?:(?![\p{{Ps}}\p{{Pi}}]*{LETTER}).)+",
    regex.V1,
)


def word_units(text: str, language: str | None = None) -> tuple[list[str], str]:
    """Return the pieces between white space; of scripts without spaces, the letters of a piece.

    In a text that is mostly of another script only pieces of over ``MAX_NAME_LETTERS`` signs are
    taken apart. Each unit begins with a space if there was one before it. The second value is what
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
    """Return units as a text again, with single spaces where there was white space."""
    return between.join(units).removeprefix(" ")


def _letters(piece: str) -> list[str]:
    first, *rest = _LETTERS.findall(piece)
    return [f" {first}", *rest]
