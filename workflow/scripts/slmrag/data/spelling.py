"""Spelling variants of a word, which readers of a language take for the same."""

import re
import unicodedata
from collections.abc import Callable

from slmrag.config.languages import primary_language

_POINTS = re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670]")
_SHARP = str.maketrans({"\u00df": "ss", "\u1e9e": "SS"})
_YO = str.maketrans("\u0451\u0401", "\u0435\u0415")


def fold_dotted_i(text: str) -> str:
    """Return a Turkish text whose capital I and İ are in lower case."""
    return text.replace("I\u0307", "i").replace("İ", "i").replace("I", "ı")


def drop_points(text: str) -> str:
    """Return an Arabic or Hebrew text without vowel points and without the tatweel."""
    return _POINTS.sub("", unicodedata.normalize("NFC", text))


def fold_sharp_s(text: str) -> str:
    """Return a German text with ss for ß, as Swiss and capitals have it."""
    return text.translate(_SHARP)


def fold_yo(text: str) -> str:
    """Return a Russian text with е for ё, as most texts have it."""
    return unicodedata.normalize("NFC", text).translate(_YO)


_FOLDS: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(("tr", "az"), fold_dotted_i),
    **dict.fromkeys(("ar", "arz", "ary", "fa", "ur", "ckb", "he", "yi"), drop_points),
    "de": fold_sharp_s,
    "ru": fold_yo,
}


def spelling_fold(language: str | None) -> Callable[[str], str] | None:
    """Return the function that unifies spelling variants in a language; None without one."""
    return _FOLDS.get(primary_language(language) or "")
