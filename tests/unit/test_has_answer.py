"""DPR's has-answer: tokens in a row, on NFD text, without case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.has_answer import has_answer, words


@pytest.mark.parametrize(
    ("text", "answer", "expected"),
    [
        ("The Beatles split in 1970.", "beatles", True),
        ("He was a Spartan.", "art", False),
        ("São Paulo is large", "são paulo", True),
        ("São Paulo is large", "Sao Paulo", False),
        ("U.S. troops", "U.S.", True),
        ("U S troops", "U.S.", False),
        ("New\nYork", "new york", True),
        ("York New", "New York", False),
        ("", "x", False),
        ("anything", "", False),
        ("anything", "  ", False),
        ("the ΣΑΣ. end", "σας", True),
        ("日本の首都", "日本", False),
        ("x_y", "y", True),
    ],
)
def test_examples(text: str, answer: str, expected: bool) -> None:
    """An answer is found as whole tokens in a row, and not as part of a token."""
    assert has_answer(text, [answer]) is expected


def test_any_answer_will_do() -> None:
    """One of several answers is enough."""
    assert has_answer("It rained in Oslo", ["Bergen", "Oslo"])


def test_no_answers() -> None:
    """Without answers nothing is found."""
    assert not has_answer("It rained in Oslo", [])


@given(st.text(max_size=40), st.text(max_size=6))
def test_the_quick_check_changes_nothing(text: str, answer: str) -> None:
    """The test by folded text first agrees with the tokens alone."""
    plain = bool(words(answer).strip()) and words(answer) in words(text)
    assert has_answer(text, [answer]) == plain


@given(st.text(max_size=20), st.text(max_size=10), st.text(max_size=20))
def test_an_answer_between_spaces_is_found(before: str, answer: str, after: str) -> None:
    """Whatever stands around it, an answer set off by spaces is found."""
    assert has_answer(f"{before} {answer} {after}", [answer]) == bool(words(answer).strip())
