"""Words of an answer by its language: as in MLQA's evaluation, and by Unicode's rules.

MLQA: Lewis et al., ACL 2020, facebookresearch/MLQA mlqa_evaluation_v1.py, read in November 2026.
"""

import re
import string
import unicodedata
from functools import cache

import regex

from slmrag.config.languages import primary_language
from slmrag.data.spelling import spelling_fold
from slmrag.data.unspaced_scripts import CLUSTER

_ARTICLES = {
    "en": "a an the",
    "es": "un una unos unas el la los las",
    "vi": "của là cái chiếc những",
    "de": "ein eine einen einem eines einer der die das den dem des",
}
ARTICLES = {
    language: re.compile(rf"\b({'|'.join(words.split())})\b")
    for language, words in _ARTICLES.items()
}
"""Articles that MLQA removes; it has none for Hindi and Chinese."""
ARABIC_AL = re.compile("ال")
"""MLQA removes these two letters anywhere in an Arabic text, not only at the start of a word."""
_HAN = re.compile("[\u4e00-\u9fa5]")
_LETTER: re.Pattern[str] = regex.compile(CLUSTER, regex.V1)


def mlqa_words(text: str, language: str | None) -> list[str]:
    """Return MLQA's words: lower case, no punctuation, no articles; in Chinese, single letters."""
    spoken, text = primary_language(language), _without_punctuation(text.lower())
    text = ARABIC_AL.sub(" ", text) if spoken == "ar" else without_articles(text, spoken)
    return (_HAN.sub(r" \g<0> ", text) if spoken == "zh" else text).split()


def unicode_words(text: str, language: str | None) -> list[str]:
    """Return words by the same rules in all scripts: NFKC, case-folded, without punctuation.

    Invisible characters are removed too, and articles of the languages that MLQA knows. Each letter
    of a script without spaces is a word. Spellings of one word become one (``spelling``).
    """
    text, one = unicodedata.normalize("NFKC", text), spelling_fold(language)
    text = unicodedata.normalize("NFKC", (one(text) if one else text).casefold())
    text = without_articles(_without_punctuation(text, invisible=True), primary_language(language))
    return _LETTER.sub(r" \g<0> ", text).split()


def without_articles(text: str, language: str | None) -> str:
    """Return a text with its language's articles replaced by spaces."""
    return ARTICLES[language].sub(" ", text) if language in ARTICLES else text


def _without_punctuation(text: str, invisible: bool = False) -> str:
    return "".join(sign for sign in text if not _is_removed(sign, invisible))


@cache
def _is_removed(sign: str, invisible: bool) -> bool:
    kind = unicodedata.category(sign)
    return kind[0] == "P" or sign in string.punctuation or (invisible and kind == "Cf")
