"""The scripts of texts, by the Unicode names of their letters."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from slmrag.config.languages import primary_language

_SCRIPT_NAMES = {"CJK": "Han", "IDEOGRAPHIC": "Han", "HIRAGANA": "Kana", "KATAKANA": "Kana"}
_LANGUAGES_OF_SCRIPT = {
    "Arabic": "ar arz ary fa ur ps sd ug ckb azb",
    "Armenian": "hy",
    "Bengali": "bn as",
    "Cyrillic": "ru uk be bg mk ky tg ba tt cv sah",
    "Devanagari": "hi mr ne sa bho mai mag",
    "Ethiopic": "am ti",
    "Georgian": "ka",
    "Greek": "el grc",
    "Gujarati": "gu",
    "Gurmukhi": "pa",
    "Han": "zh yue wuu nan gan hak lzh ja",
    "Hangul": "ko",
    "Hebrew": "he yi",
    "Kana": "ja",
    "Kannada": "kn",
    "Khmer": "km",
    "Lao": "lo",
    "Malayalam": "ml",
    "Myanmar": "my shn",
    "Oriya": "or",
    "Sinhala": "si",
    "Tamil": "ta",
    "Telugu": "te",
    "Thai": "th",
    "Tibetan": "bo dz",
    "Latin": "en fr de es it pt nl sv da no nb nn fi pl cs sk hu ro tr vi id ms sw et lv lt sl hr "
    "kr",
}
SCRIPTS_OF_LANGUAGE = {
    language: {name for name, codes in _LANGUAGES_OF_SCRIPT.items() if language in codes.split()}
    for codes in _LANGUAGES_OF_SCRIPT.values()
    for language in codes.split()
}
"""Usual scripts of languages; codes with a script (sr-Latn) are not looked up."""


def count_signs(texts: Iterable[str], signs: Counter[str] | None = None) -> Counter[str]:
    """Return how often each sign occurs in texts, added to ``signs``."""
    found = Counter() if signs is None else signs
    found.update("".join(texts))
    return found


def script_shares(signs: Mapping[str, int]) -> dict[str, float]:
    """Return each script's share of the letters, largest first; empty without letters."""
    found: Counter[str] = Counter()
    for sign, times in signs.items():
        if sign.isalpha():
            found[_script(sign)] += times
    total = sum(found.values())
    rounded = {name: round(times / total, 4) for name, times in found.most_common()}
    return {name: share for name, share in rounded.items() if share}


def script_misfits(scripts: Mapping[str, float], language: str | None, what: str) -> Iterator[str]:
    """Yield a sentence if most letters are of scripts that the language does not use."""
    own = SCRIPTS_OF_LANGUAGE.get(primary_language(language) or "", set())
    plain = language is not None and len(language.split("-")) == 1
    if plain and own and scripts and sum(scripts.get(name, 0) for name in own) < 0.5:
        yield (
            f"language: {language} is written in {' and '.join(sorted(own))}, but {what} are "
            f"{describe_shares(scripts)}; correct the language, or the object"
        )


def describe_shares(scripts: Mapping[str, float]) -> str:
    """Return the three largest shares as text."""
    return ", ".join(f"{name} {share:.0%}" for name, share in [*scripts.items()][:3])


def _script(sign: str) -> str:
    first, *rest = unicodedata.name(sign, "UNKNOWN").split()
    if first in ("FULLWIDTH", "HALFWIDTH", "MODIFIER", "MATHEMATICAL") and rest:
        first = rest[0]
    return _SCRIPT_NAMES.get(first, first.split("-")[0].title())
