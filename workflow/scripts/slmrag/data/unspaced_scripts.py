"""Scripts without spaces between words: patterns of their letters, and tests of texts."""

import sys
from functools import cache
from itertools import groupby

import regex

SCRIPTS = (
    *("Han", "Hiragana", "Katakana", "Bopomofo", "Yi", "Tangut", "Nushu"),
    *("Thai", "Lao", "Khmer", "Myanmar"),
    *("Tai_Le", "New_Tai_Lue", "Tai_Tham", "Tai_Viet", "Ahom"),
)
"""Scripts whose lines break between ideographs (UAX 14: ID, CJ) or by a dictionary (SA)."""

_ANY = "".join(rf"\p{{{name}}}" for name in SCRIPTS)
LETTER = rf"[[\p{{L}}\p{{Nl}}]&&[{_ANY}]\u30fc]"
"""A letter of such a script, for the module ``regex``, version 1; digits are not letters."""
MARKS = r"[\p{Mn}\p{Mc}]"
CLUSTER = rf"{LETTER}{MARKS}*"
POLARS_LETTER = rf"[[\p{{L}}\p{{Nl}}]&&[{_ANY}]\u{{30fc}}]"
"""``LETTER`` in the syntax of polars."""

_LETTER = regex.compile(LETTER, regex.V1)


@cache
def class_ranges(pattern: str, last: int = sys.maxunicode) -> str:
    """Return the members of a class of ``regex``, up to ``last``, as ranges for a class of ``re``.

    ``re`` is far faster, above all with ``last`` 0xFFFF.
    """
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, last + 1)]))
    found = enumerate(map(ord, regex.findall(pattern, every, flags=regex.V1)))
    runs = ([point for _, point in run] for _, run in groupby(found, lambda one: one[1] - one[0]))
    return "".join(rf"\U{run[0]:08x}-\U{run[-1]:08x}" for run in runs)


_COMMON_FIRST_BYTES = bytes({*range(0xCC), *range(0xCE, 0xD2), 0xE2})


def rare_bytes(text: str) -> bytes:
    """Return the first bytes (UTF-8) of letters that are not Latin, Greek or Cyrillic.

    If there are none, a text has no script without spaces, and hardly a combining mark. The test is
    very cheap.
    """
    return text.encode("utf-8", "surrogatepass").translate(None, _COMMON_FIRST_BYTES)


def has_unspaced(text: str) -> bool:
    """Tell whether a text has a letter of a script without spaces."""
    return not text.isascii() and bool(rare_bytes(text)) and _LETTER.search(text) is not None


def is_mostly_unspaced(text: str) -> bool:
    """Tell whether over half of a text's letters are of scripts without spaces."""
    if not has_unspaced(text):
        return False
    return 2 * len(_LETTER.findall(text)) > sum(map(str.isalpha, text))
