"""Whether a passage holds an answer: Karpukhin et al. (EMNLP 2020), on NFD text, without case."""

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

import regex

_TOKEN = regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]")


@lru_cache(maxsize=256)
def words(text: str) -> str:
    """Return DPR's lower-case tokens of a text, with a space before and after each."""
    found = _TOKEN.findall(unicodedata.normalize("NFD", text))
    return f" {' '.join(found)} ".lower()


@lru_cache(maxsize=256)
def _folded(text: str) -> str:
    return unicodedata.normalize("NFD", text).casefold()


def matcher(answers: Iterable[str]) -> Callable[[str], bool]:
    """Return a test of texts for any of the answers; an answer without tokens is in no text."""
    phrases = [phrase for phrase in map(words, answers) if phrase.strip()]
    wanted = [(phrase, phrase.casefold().split()) for phrase in phrases]

    def holds(text: str) -> bool:
        folded = _folded(text)  # rules most texts out without splitting them
        likely = [phrase for phrase, parts in wanted if all(part in folded for part in parts)]
        return bool(likely) and any(phrase in words(text) for phrase in likely)

    return holds


def has_answer(text: str, answers: Iterable[str]) -> bool:
    """Tell whether the tokens of any answer stand in a row among the tokens of the text."""
    return matcher(answers)(text)
