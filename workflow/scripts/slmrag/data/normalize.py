"""One normalization for every metric: Adlakha et al. (TACL 2024), after SQuAD."""

import re
import string
from collections.abc import Sequence

SEPARATOR = b"\xff"  # a byte that no UTF-8 text holds

_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = frozenset({"a", "an", "the"})
_ARTICLE = re.compile(r"\b(a|an|the)\b")
_SPACES = b"\x1c\x1d\x1e\x1f"  # white space to str.split, but not to bytes.split
_LOWER = bytes.maketrans(
    string.ascii_uppercase.encode() + _SPACES, string.ascii_lowercase.encode() + b"    "
)
_CONTROL = bytes({*range(32), 127} - set(_SPACES) - set(b"\t\n\v\f\r"))
_ODD = re.compile(r"[^\x00-\x7f\w\s]")  # what an article may touch, being no word and no space
_PUNCTUATION = string.punctuation.encode()


def normalize(text: str) -> str:
    """Lower-case, delete ASCII punctuation, turn articles into spaces, collapse white space."""
    return " ".join(tokens(text))


def tokens(text: str) -> list[str]:
    """Return the words of the normalized text, in order."""
    text = text.lower().translate(_WITHOUT_PUNCTUATION)
    words = text.split()
    if not "".join(words).isalnum():  # only then can an article touch something but a space
        return _ARTICLE.sub(" ", text).split()
    return words if _ARTICLES.isdisjoint(words) else [w for w in words if w not in _ARTICLES]


def flat_tokens(texts: Sequence[str]) -> list[bytes]:
    """Return the UTF-8 words of all texts in one list, ``SEPARATOR`` after each text but the last.

    Articles are still there where they stand alone; all else is as in ``tokens``.
    """
    joined = _join([text if text.isascii() else _spaced(text) for text in texts])
    if len(joined.translate(None, _CONTROL)) != len(joined):
        joined = _join([normalize(text) for text in texts])
    return joined.translate(_LOWER, _PUNCTUATION).split()


def _spaced(text: str) -> str:
    """Return a lower-case text that bytes.split and an article filter can finish."""
    lower = text.lower()
    return normalize(text) if _ODD.search(lower) else " ".join(lower.split())


def _join(texts: Sequence[str]) -> bytes:
    return b" \xff ".join([text.encode("utf-8", "surrogatepass") for text in texts])
