"""DPR's has-answer: tokens in a row, on NFD text, without case."""

import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.data.has_answer import answer_matcher, answer_phrase, has_answer, spaced_tokens
from slmrag.data.unspaced_scripts import has_unspaced, is_mostly_unspaced


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
        ("x_y", "x_", True),
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
    said, apart = answer_phrase(answer)
    plain = bool(said.strip()) and said in spaced_tokens(text, apart or is_mostly_unspaced(text))
    assert has_answer(text, [answer]) == plain


@given(st.text(max_size=20), st.text(max_size=10), st.text(max_size=20))
def test_an_answer_between_spaces_is_found(before: str, answer: str, after: str) -> None:
    """Whatever stands around it, an answer set off by spaces is found."""
    assert has_answer(f"{before} {answer} {after}", [answer]) == bool(spaced_tokens(answer).strip())


DPRS = regex.compile(r"([\p{L}\p{N}\p{M}]+)|([^\p{Z}\p{C}])", regex.I | regex.U | regex.M)


def dprs(text: str, answers: list[str]) -> bool:
    """DPR's SimpleTokenizer and has_answer, step by step."""
    text = [m.group().lower() for m in DPRS.finditer(unicodedata.normalize("NFD", text))]
    for answer in answers:
        wanted = [m.group().lower() for m in DPRS.finditer(unicodedata.normalize("NFD", answer))]
        for start in range(len(text) - len(wanted) + 1):
            if wanted and wanted == text[start : start + len(wanted)]:
                return True
    return False


PLAIN = r"""
a I 0 5 -5 $5 5% C++ C# c .* a.b [0-9]+ (1) \d ^ | U.S. U.S O'Neil o’neil 3.14 1,000 x_y
AC/DC é ﬁ fi ß SS ss İ i ı Σ σ ς K K 日本 日 한국 ไทย 🙂 ab ² 2 ½ Ⅳ iv ١ नमस्ते
"""
HARD = [
    *PLAIN.split(),
    "1 000",
    "\xa0",
    "new  york",
    "New\nYork",
    "\u200b",
    "a\u200bb",
    "a\xadb",
    "e\u0301",
    "E\u0301",
]


@given(st.lists(st.sampled_from(HARD), max_size=6), st.sampled_from(HARD), st.sampled_from(HARD))
@settings(max_examples=500)
def test_hard_cases_are_dprs(parts: list[str], one: str, two: str) -> None:
    """Very short answers, marks, patterns and scripts are found where DPR finds them."""
    for text in (" ".join(parts), "".join(parts)):
        as_dpr(text, [one, two])


@given(st.text(max_size=30), st.text(max_size=5))
def test_any_text_is_dprs(text: str, answer: str) -> None:
    """On any text at all, and on parts of it, DPR's algorithm agrees."""
    for wanted in (answer, text[3:6], text[:1].swapcase()):
        as_dpr(text, [wanted])


def as_dpr(text: str, answers: list[str]) -> None:
    """Hold ours against DPR's: the same, but of scripts without spaces we find more."""
    ours, theirs = has_answer(text, answers), dprs(text, answers)
    assert ours >= theirs
    if not any(map(has_unspaced, answers)) and not is_mostly_unspaced(text):
        assert ours == theirs


@pytest.mark.parametrize(
    ("text", "answer", "expected"),
    [
        ("日本の首都は東京です。", "東京", True),
        ("日本の首都は東京です。", "京都", False),
        ("于1997年7月1日回归。", "1997", True),
        ("于1997年7月1日回归。", "199", False),
        ("他用的是iPhone手机，很新。", "iPhone", True),
        ("กรุงเทพมหานครเป็นเมืองหลวง", "กรุงเทพ", True),
        ("กรุงเทพมหานครเป็นเมืองหลวง", "นคร", True),
        ("ท่าน้ำ", "น้า", False),
        ("カ\u3099ス", "ガス", True),
        ("ガス", "カス", False),
        ("The city (北京Beijing) is large and old.", "Beijing", False),
        ("The city (北京Beijing) is large and old.", "北京", True),
        ("파리는 프랑스의 수도이다", "파리", False),
    ],
)
def test_scripts_without_spaces(text: str, answer: str, expected: bool) -> None:
    """A letter with its marks is a token where there are no spaces, whatever stands beside it."""
    assert has_answer(text, [answer]) is expected
    assert answer_matcher(["nowhere", unicodedata.normalize("NFD", answer)])(text) is expected
