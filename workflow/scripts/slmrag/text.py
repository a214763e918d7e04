"""One normalisation for every metric: Adlakha et al. (TACL 2024), after SQuAD."""

import re
import string
from collections.abc import Iterable

_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = frozenset({"a", "an", "the"})
_ARTICLE = re.compile(r"\b(a|an|the)\b")


def normalise(text: str) -> str:
    """Lower-case, delete ASCII punctuation, turn articles into spaces, collapse white space."""
    return " ".join(tokens(text))


def tokens(text: str) -> list[str]:
    """Return the words of the normalised text, in order."""
    return _words(text.lower().translate(_WITHOUT_PUNCTUATION))


def all_tokens(texts: Iterable[str]) -> list[list[str]]:
    """Return the words of each text, as ``tokens`` does, in one pass over all of them."""
    texts = list(texts)
    joined = "\0".join(texts)
    if joined.count("\0") != len(texts) - 1:
        return [tokens(text) for text in texts]
    return [_words(text) for text in joined.lower().translate(_WITHOUT_PUNCTUATION).split("\0")]


def _words(text: str) -> list[str]:
    words = text.split()
    if not "".join(words).isalnum():  # only then can an article touch something but a space
        return _ARTICLE.sub(" ", text).split()
    return words if _ARTICLES.isdisjoint(words) else [w for w in words if w not in _ARTICLES]
