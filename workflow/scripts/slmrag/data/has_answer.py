"""Whether a passage contains an answer: Karpukhin et al. (EMNLP 2020), on NFD text, without case.

In DPR a run of letters is one token. Scripts without spaces have no such runs, so each of their
letters is a token if the answer has such letters, or if most of the passage does.
"""

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

import regex

from slmrag.data.unspaced_scripts import CLUSTER, LETTER, has_unspaced, is_mostly_unspaced

_TOKEN = regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]")
_APART = regex.compile(
    rf"{CLUSTER}|(?:(?!{LETTER})[\p{{L}}\p{{N}}\p{{M}}])+|[^\p{{Z}}\p{{C}}]", regex.V1
)


@lru_cache(maxsize=256)
def spaced_tokens(text: str, apart: bool = False) -> str:
    """Return the lower-case tokens of a text, with a space before and after each.

    They are DPR's tokens; with ``apart`` each letter of a script without spaces is one.
    """
    found = (_APART if apart else _TOKEN).findall(unicodedata.normalize("NFD", text))
    return f" {' '.join(found)} ".lower()


def answer_phrase(answer: str) -> tuple[str, bool]:
    """Return the tokens of an answer, and whether it has letters of a script without spaces."""
    apart = has_unspaced(answer)
    return spaced_tokens(answer, apart), apart


@lru_cache(maxsize=256)
def _fold_case(text: str) -> str:
    return unicodedata.normalize("NFD", text).casefold()


def answer_matcher(answers: Iterable[str]) -> Callable[[str], bool]:
    """Return a test of texts: do they contain an answer? One without tokens is in no text."""
    phrases = [(phrase, apart) for phrase, apart in map(answer_phrase, answers) if phrase.strip()]
    wanted = [((phrase, apart), phrase.casefold().split()) for phrase, apart in phrases]

    def holds(text: str) -> bool:
        folded = _fold_case(text)  # rules most texts out without splitting them
        likely = [two for two, parts in wanted if all(part in folded for part in parts)]
        if not likely:
            return False
        mostly = is_mostly_unspaced(text)
        return any(phrase in spaced_tokens(text, apart or mostly) for phrase, apart in likely)

    return holds


def has_answer(text: str, answers: Iterable[str]) -> bool:
    """Tell whether the text has the tokens of an answer, one after another."""
    return answer_matcher(answers)(text)
