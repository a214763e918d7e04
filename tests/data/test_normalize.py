import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.data.normalize import SEPARATOR, flat_tokens, normalize, tokens

ODD = st.text(
    alphabet="aAntheTHE  .,-'\u2013\u00e9\u0301_0\x00\x1c\x85\u03a3\u0130\u00df\u200b\ufeff",
    max_size=14,
)
TEXT = st.one_of(ODD, st.text(max_size=20))


def plain(text):
    """Return the normal form by its definition."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Beatles!", "beatles"),
        ("A  man, a plan,\na canal", "man plan canal"),
        ("U.S.", "us"),
        ("Theodore", "theodore"),
        ("the", ""),
        ("a\u2013b", "\u2013b"),
        ("\u0645\u0631\u062d\u0628\u0627 \U0001f600", "\u0645\u0631\u062d\u0628\u0627 \U0001f600"),
    ],
)
def test_normal_form(text, expected):
    """Case, ASCII punctuation, articles and white space make no difference."""
    assert normalize(text) == expected


@given(TEXT)
def test_normalize_equals_the_plain_definition(text):
    """The quick way and the definition agree on any text."""
    assert normalize(text) == plain(text)


@given(st.lists(TEXT, min_size=1, max_size=5))
def test_a_column_equals_its_texts(texts):
    """Normalizing a column at once gives what normalizing each text gives."""
    words, rows = flat_tokens(texts), [[]]
    for word in words:
        rows.append([]) if word == SEPARATOR else rows[-1].append(word.decode(errors="ignore"))
    kept = [[word for word in row if word not in ("a", "an", "the")] for row in rows]
    assert kept == [tokens(text) for text in texts]
