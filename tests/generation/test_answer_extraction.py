"""From raw to scored answers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.generation.answer_extraction import extract_answer, first_line_with_words

CASES = [
    (" Paris\nQuestion: Who wrote Hamlet?\nAnswer: Shakespeare", "Paris"),
    ("\n\nParis\nLondon", "Paris"),
    ("Paris", "Paris"),
    ("", ""),
    ("  \n \n", ""),
    ("<think>\nhm, Rome?\n</think>\n\nParis", "Paris"),
    ("<think>\n\n</think>\n\nParis\n", "Paris"),
    ("<think>\nI wonder whether", ""),
    ("hm, Rome?\n</think>\nParis", "Paris"),
    ("Answer: Paris", "Paris"),
    ("**Answer:** Paris", "Paris"),
    ("Final answer: Paris", "Paris"),
    ("The answer is:\n\nParis", "The answer is: Paris"),
    ("Let me see:\nFinal answer: Paris", "Let me see: Final answer: Paris"),
    ("我想：\n最终答案：巴黎", "我想： 最终答案：巴黎"),
    ("Question: Who?\nAnswer: me", "Question: Who?"),
    ("Paris<|im_end|>\nuser", "Paris"),
    ("A: Paris\nQ: next", "Paris"),
    ("Apollo 11", "Apollo 11"),
    ("\nQuestion: a run-on without an answer", ""),
]


@pytest.mark.parametrize(("raw", "answer"), CASES)
def test_the_answer_is_the_first_line_that_says_something(raw, answer):
    """Reasoning, labels and run-ons go; what is left of the first line is the answer."""
    assert extract_answer(raw) == answer


def test_reasoning_that_the_prompt_opened_is_dropped():
    """Where the prompt itself ends in <think>, unfinished reasoning is no answer."""
    assert extract_answer("hm, Rome or", prompt="<|im_start|>assistant\n<think>\n") == ""
    assert extract_answer("hm</think>Paris", prompt="<think>") == "Paris"


@given(st.text())
def test_an_answer_is_one_line_and_trimming_twice_is_trimming_once(text):
    """Any text trims to one line without white space around it."""
    answer = extract_answer(text)
    assert answer == answer.strip()
    assert len(answer.splitlines()) <= 1


WAS_LABEL = re.compile(r"\A\s*(?:\*\*)?(?:Final answer|Answer|A)\s*:(?:\*\*)?[ \t]*", re.IGNORECASE)
WAS_RUN_ON = re.compile(
    r"\n\s*(?:Question|Q|Context|Passage(?: \d+)?|Answer|A|Human|User|Assistant)\s*:"
    r"|<\|im_(?:end|start)\|>|<end_of_turn>|</s>|<eos>|<\|endoftext\|>|<\|return\|>",
    re.IGNORECASE,
)
PIECES = ["Final answer", "ANSWER", "a", "A", "**", ":", " ", "\t", "\n", "Q", "Passage 3", "</s>"]
PIECES += ["user", "Paris", "is", "The", "1", "-", "Assistant", "Answer :", ":\nFinal answer:"]


def line_was(text):
    """Return the line that answers were trimmed to when labels were English alone."""
    text = WAS_LABEL.sub("", text, count=1)
    lines = [one.strip() for one in WAS_RUN_ON.split(text, maxsplit=1)[0].splitlines()]
    lines = [one for one in lines if one]
    answer = lines[0] if lines else ""
    return f"{answer} {lines[1]}" if answer.endswith(":") and len(lines) > 1 else answer


@given(st.lists(st.sampled_from(PIECES)).map("".join) | st.text(st.characters(codec="ascii")))
def test_english_answers_are_trimmed_as_before(text):
    """Text of ASCII without a label of another language gives the line that it gave."""
    assert first_line_with_words(text) == line_was(text)


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ("答案：巴黎。", "巴黎。"),
        ("**答案：** 巴黎\n问题：下一个", "巴黎"),
        ("Answer：Paris", "Paris"),
        ("Antwort: Bonn", "Bonn"),
        ("Réponse : Paris", "Paris"),
        ("Re\u0301ponse\u00a0: Paris", "Paris"),
        ("Respuesta final: Lima", "Lima"),
        ("Ответ: Москва", "Москва"),
        ("उत्तर: दिल्ली", "दिल्ली"),
        ("الإجابة: القاهرة", "القاهرة"),
        ("答え：東京", "東京"),
        ("정답: 서울", "서울"),
        ("答案是：\n巴黎", "答案是： 巴黎"),
        ("\nВопрос: дальше", ""),
        ("Antwortlich: nein", "Antwortlich: nein"),
        ("回答者", "回答者"),
    ],
)
def test_labels_of_other_languages(raw, answer):
    """Labels go in other languages too, before any kin of the colon, and only as labels."""
    assert extract_answer(raw) == answer
