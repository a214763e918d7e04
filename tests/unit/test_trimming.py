"""From raw to scored answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.trimming import trim

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
    ("Question: Who?\nAnswer: me", "Question: Who?"),
    ("Paris<|im_end|>\nuser", "Paris"),
    ("A: Paris\nQ: next", "Paris"),
    ("Apollo 11", "Apollo 11"),
    ("\nQuestion: a run-on without an answer", ""),
]


@pytest.mark.parametrize(("raw", "answer"), CASES)
def test_the_answer_is_the_first_line_that_says_something(raw, answer):
    """Reasoning, labels and run-ons go; what is left of the first line is the answer."""
    assert trim(raw) == answer


def test_reasoning_that_the_prompt_opened_is_dropped():
    """Where the prompt itself ends in <think>, unfinished reasoning is no answer."""
    assert trim("hm, Rome or", prompt="<|im_start|>assistant\n<think>\n") == ""
    assert trim("hm</think>Paris", prompt="<think>") == "Paris"


@given(st.text())
def test_an_answer_is_one_line_and_trimming_twice_is_trimming_once(text):
    """Any text trims to one line without white space around it."""
    answer = trim(text)
    assert answer == answer.strip()
    assert len(answer.splitlines()) <= 1
