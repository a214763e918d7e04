"""How text becomes terms, for the BM25 kinds that do not bring an analyser of their own."""

import re
from collections.abc import Callable

Analyser = Callable[[str], list[str]]

_WORD = re.compile(r"\w+")

_LUCENE = """
a an and are as at be but by for if in into is it no not of on or such that the their then there
these they this to was will with
"""
STOPWORDS = {"none": frozenset(), "english": frozenset(_LUCENE.split())}


def words(text: str) -> list[str]:
    """Return the runs of letters, digits and underscores of a text, in lower case."""
    return _WORD.findall(text.lower())


def whitespace(text: str) -> list[str]:
    """Return what stands between white space, in lower case."""
    return text.lower().split()


TOKENIZERS: dict[str, Analyser] = {"words": words, "whitespace": whitespace}


def analyser(tokenizer: str = "words", stopwords: str = "none") -> Analyser:
    """Return the function from a text to its terms."""
    split, stop = TOKENIZERS[tokenizer], STOPWORDS[stopwords]
    if not stop:
        return split
    return lambda text: [term for term in split(text) if term not in stop]
