"""Documents into passages."""

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.data.chunking import chunks, cut_documents
from slmrag.data.schemas import PASSAGES_WITH_LINE
from slmrag.data.sentences import sentences


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
    documents = pl.DataFrame([("d", "T", "a b c", 7)], schema=PASSAGES_WITH_LINE, orient="row")
    assert cut_documents(documents, size=2).rows() == [("d#0", "T", "a b", 7), ("d#1", "T", "c", 7)]


WAS = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])|\n{2,}")


@given(st.text(st.sampled_from("aZ09 .!?\"'()[]\n\t\x1c“”‘’–—…éß"), max_size=30))
def test_english_sentences_are_cut_as_before(text):
    """Texts of ASCII and the signs of English typography have the sentences that they had."""
    pieces = (" ".join(piece.split()) for piece in WAS.split(text))
    assert sentences(text) == [piece for piece in pieces if piece]


FOURS = [
    "Il est né en 1899. Élu en 1910. À Paris, il écrit. « Œuvre » majeure.",
    "Он родился в 1899. Москва растёт! Её много? Это город.",
    "他生于1899年。巴黎很大！「是吗？」他说。",
    "東京は首都です。「はい。」そうです！ ほんとう。",
    "वह आया। भारत बड़ा है। क्यों? यह शहर है॥",
    "ولد عام 1899. باريس كبيرة؟ نعم! انتهى.",
    "یہ شہر ہے۔ وہ آیا۔ کیوں؟ ہاں۔",
    "Նա եկավ։ Քաղաք է։ Այո։ Ոչ։",
    "សួស្តី។ល្អ។ បាទ។ទេ។",
    "한국이다. 서울이다. 크다! 정말?",
    "เขามา เมืองใหญ่ จริง จบ",
    "Ήρθε. Είναι πόλη. Ναι. Όχι.",
    "ἦλθε. ¿Qué? ¡No! «Sí».",
]


@pytest.mark.parametrize("text", FOURS)
def test_each_script_has_its_sentence_ends(text):
    """A text of four sentences is four, whatever the language, and nothing of it is lost."""
    found = sentences(text)
    assert len(found) == 4
    assert "".join("".join(found).split()) == "".join(text.split())


def test_a_language_knows_its_own_signs():
    """Greek asks with a semicolon; curly quotes open a sentence where a language is named."""
    assert len(sentences("Γιατί; Ναι.", "el")) == 2
    assert sentences("Er ging. “Ja.” Gut.", "de") == ["Er ging.", "“Ja.”", "Gut."]
    assert sentences('He said "no." Then', "en") == ['He said "no."', "Then"]


def test_chinese_is_cut_by_letters():
    """Where no spaces are a letter is a word; sentences and letters are joined as they stood."""
    text = "巴黎是「法国」的首都，很大。好"
    assert [*chunks(text, "words", 4, 1)] == [
        "巴黎是「法",
        "「法国」的首",
        "首都，很大。",
        "大。好",
    ]
    assert [*chunks("好。大！是", "sentences", 2, 0)] == ["好。大！", "是"]
    assert [*chunks("กินข้าว", "words", 2, 0, "th")] == ["กิน", "ข้า", "ว"]
    assert [*chunks("ฝรั่งเศส", "words", 3, 0)] == ["ฝรั่ง", "เศส"]


def test_a_name_in_english_stays_a_word():
    """A short piece of another script counts as before, a long one does not swallow a passage."""
    assert [*chunks("the city of 東京都 is big", "words", 4, 0)] == ["the city of 東京都", "is big"]
    assert len([*chunks("the city of Tokyo and so on " * 9 + "東" * 50, "words", 10, 0)]) > 10
