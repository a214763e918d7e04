"""Scripts without spaces between words, and letters with their marks in them."""

import sys
from functools import cache
from itertools import groupby

import regex

SCRIPTS = (
    *("Han", "Hiragana", "Katakana", "Bopomofo", "Yi", "Tangut", "Nushu"),
    *("Thai", "Lao", "Khmer", "Myanmar"),
    *("Tai_Le", "New_Tai_Lue", "Tai_Tham", "Tai_Viet", "Ahom"),
)
"""Those that Unicode breaks between ideographs (UAX 14, ID and CJ) or by a dictionary (SA)."""

_ANY = "".join(rf"\p{{{name}}}" for name in SCRIPTS)
LETTER = rf"[[\p{{L}}\p{{Nl}}]&&[{_ANY}]\u30fc]"
"""A letter of such a script, for the module ``regex`` by its version 1; digits are none."""
MARKS = r"[\p{Mn}\p{Mc}]"
CLUSTER = rf"{LETTER}{MARKS}*"
POLARS_LETTER = rf"[[\p{{L}}\p{{Nl}}]&&[{_ANY}]\u{{30fc}}]"
"""``LETTER`` as the columns of polars take it."""

_LETTER = regex.compile(LETTER, regex.V1)


@cache
def class_ranges(pattern: str, last: int = sys.maxunicode) -> str:
    """Return what a class of ``regex`` has up to a code point as ranges for a class of ``re``.

    That is far faster, above all where ``last`` is 0xFFFF.
    """
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, last + 1)]))
    found = enumerate(map(ord, regex.findall(pattern, every, flags=regex.V1)))
    runs = ([point for _, point in run] for _, run in groupby(found, lambda one: one[1] - one[0]))
    return "".join(rf"\U{run[0]:08x}-\U{run[-1]:08x}" for run in runs)


_COMMON_FIRST_BYTES = bytes({*range(0xCC), *range(0xCE, 0xD2), 0xE2})


def rare_bytes(text: str) -> bytes:
    """Return the first bytes of UTF-8 of what is neither Latin, Greek, Cyrillic nor a sign.

    Where there are none, a text has no script without spaces and hardly a mark of its own: a test
    that costs next to nothing.
    """
    return text.encode("utf-8", "surrogatepass").translate(None, _COMMON_FIRST_BYTES)


def has_unspaced(text: str) -> bool:
    """Tell whether a text holds a letter of a script without spaces."""
    return not text.isascii() and bool(rare_bytes(text)) and _LETTER.search(text) is not None


def is_mostly_unspaced(text: str) -> bool:
    """Tell whether over half of a text's letters are of scripts without spaces."""
    if not has_unspaced(text):
        return False
    return 2 * len(_LETTER.findall(text)) > sum(map(str.isalpha, text))
