"""Prompts are made to fit: passages go from the end, then words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.errors import UserError
from slmrag.prompts.truncation import (
    remaining_context,
    truncate,
    truncate_as_before,
    without_words,
)

PASSAGES = [
    {"id": str(i), "title": f"Title {i}", "text": f"text {i} of five words"} for i in range(3)
]


def length(limit: int):
    """Return a test of a text's number of words."""
    return lambda text: len(text.split()) <= limit


def make(question, passages):
    """Render without Jinja."""
    return "".join(f"{p['text']}\n" for p in passages) + f"Q {question} A"


def test_a_prompt_that_fits_is_left_alone():
    """Nothing is dropped where there is room."""
    prompt = truncate(make, "who", PASSAGES, length(100))
    assert prompt[:4] == (make("who", PASSAGES), 3, 0, 0)


def test_passages_go_from_the_end():
    """With room for two of three passages the last one goes, whole."""
    assert truncate(make, "who", PASSAGES, length(13))[:4] == (make("who", PASSAGES[:2]), 2, 1, 0)


def test_then_words_of_the_last_passage_go():
    """With room for less than a passage its last words go, as few as possible."""
    prompt = truncate(make, "who", PASSAGES, length(6))
    assert prompt[:4] == ("text 0 of\nQ who A", 1, 2, 2)


def test_then_the_context_and_words_of_the_question_go():
    """A question too long by itself loses its context, then its own last words."""
    prompt = truncate(make, "who was it then", PASSAGES, length(4))
    assert prompt[:4] == ("Q who was A", 0, 3, 2)


def test_no_room_at_all_is_an_error():
    """Where not even the template fits, the settings are to blame, and the error says so."""
    with pytest.raises(UserError, match="lower max_tokens"):
        truncate(make, "who", PASSAGES, length(1))


@given(limit=st.integers(2, 40), count=st.integers(0, 3))
def test_a_fitted_prompt_fits_and_counts_what_it_lost(limit, count):
    """Whatever the room, the prompt fits, its counts add up, and they suffice to make it anew."""
    prompt = truncate(make, "who was it", PASSAGES[:count], length(limit))
    assert truncate_as_before(make, "who was it", PASSAGES[:count], prompt[1], prompt[3]) == prompt
    assert length(limit)(prompt.text)
    assert prompt.passages + prompt.passages_dropped == count


@pytest.mark.parametrize(
    ("text", "question", "signs", "expected"),
    [
        (
            "巴黎是法国的首都，位于塞纳河畔。",
            "哪里？",
            17,
            ("巴黎是法国的首都，\nQ 哪里？ A", 1, 0, 6),
        ),
        ("巴黎是法国的首都。", "法国的首都是哪里？", 9, ("Q 法国的首都 A", 0, 1, 3)),
        ("กินข้าว แล้ว", "ใคร", 11, ("กิน\nQ ใคร A", 1, 0, 5)),
        ("The city of 北京 is old", "who", 22, ("The city of 北京\nQ who A", 1, 0, 2)),
    ],
)
def test_letters_go_where_a_script_has_no_spaces(text, question, signs, expected):
    """What is left of a passage in Chinese or Thai is as many letters as there is room for."""
    passages = [{"id": "1", "title": "", "text": text}]
    prompt = truncate(make, question, passages, lambda text: len(text) <= signs)
    assert prompt[:4] == expected
    assert truncate_as_before(make, question, passages, prompt[1], prompt[3]) == prompt
    assert make(*remaining_context(question, passages, prompt[1], prompt[3])) == prompt.text


@given(
    st.lists(st.sampled_from(["a", "b.", "é", "北京", "“c”", "\u3000", "\n"]), max_size=8),
    st.integers(1, 9),
)
def test_words_of_english_go_as_they_always_did(pieces, cut):
    """Pieces between white space go from the end, a name in Chinese letters among them whole."""
    text = " ".join(["the city on the river has a name", *pieces])
    words = text.split()
    assert without_words(text, cut) == " ".join(words[: max(0, len(words) - cut)])
