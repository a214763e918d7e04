"""Documents into passages."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from slmrag.chunking import chunks, cut, sentences
from slmrag.readers.shapes import PLACED


def test_words_overlap():
    """Each passage begins with the last words of the one before, and none is overlap alone."""
    assert [*chunks("a b c d e", "words", 3, 1)] == ["a b c", "c d e"]
    assert [*chunks("a b c d e f", "words", 3, 1)] == ["a b c", "c d e", "e f"]
    assert [*chunks(" ", "words", 3, 1)] == []


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 9), st.integers(0, 8))
def test_no_word_is_lost(words, size, overlap):
    """Without the overlaps, the passages are the document."""
    overlap = min(overlap, size - 1)
    pieces = [piece.split() for piece in chunks(" ".join(words), "words", size, overlap)]
    joined = [w for n, piece in enumerate(pieces) for w in piece[overlap if n else 0 :]]
    assert joined == words
    assert all(len(piece) <= size for piece in pieces)


def test_sentences():
    """Sentences end before a capital; an empty line ends one too."""
    text = 'He left. "Why?" she asked. It was 3.5 km\n\nnext para. e.g. this'
    assert sentences(text) == [
        "He left.",
        '"Why?" she asked.',
        "It was 3.5 km",
        "next para. e.g. this",
    ]


def test_cut_names_the_passages():
    """Passages are called by document and number, and keep title and line."""
    documents = pl.DataFrame([("d", "T", "a b c", 7)], schema=PLACED, orient="row")
    assert cut(documents, size=2).rows() == [("d#0", "T", "a b", 7), ("d#1", "T", "c", 7)]
