import numpy as np
import pytest
from slmrag.report.analysis.context_effects import context_use
from slmrag.report.analysis.slices import answer_length, columns_of_few_values, question_word


def test_fix_destruction_and_utilisation():
    """Of two known one is destroyed; of three unknown one is fixed, the only one with a hit."""
    known = np.array([True, True, False, False, False])
    right = np.array([True, False, True, False, False])
    hit = np.array([1, 0, 1, 0, 0])
    found = context_use(known, right, hit)
    assert found["destruction_rate"] == 0.5 and found["fix_rate"] == pytest.approx(1 / 3)
    assert found["utilisation"] == 1.0 and found["unknown_miss"] == 0.0
    assert (found["n_known_hit"], found["n_unknown_miss"]) == (1, 2)


def test_rates_of_nothing_are_not_defined():
    """Where no question is known there is no destruction rate."""
    none = np.zeros(2, dtype=bool)
    assert context_use(none, none, np.array([np.nan, np.nan]))["destruction_rate"] is None


@pytest.mark.parametrize(
    ("answers", "length"),
    [
        (["Paris"], "1 token"),
        (["New York", "NYC city hall"], "2 tokens"),
        (["one two three"], "3 or 4 tokens"),
        (["one two three four five"], "5 tokens or more"),
        ([], "1 token"),
    ],
)
def test_the_shortest_reference_counts(answers, length):
    """Questions are sorted by the tokens of their shortest reference."""
    assert answer_length(answers) == length


@pytest.mark.parametrize(
    ("question", "word"),
    [("Who wrote it?", "who"), ("In WHICH year?", "which"), ("Name it.", "other"), ("", "other")],
)
def test_the_first_question_word_counts(question, word):
    """Questions are sorted by their first question word."""
    assert question_word(question) == word


def test_flags_are_columns_with_a_few_values():
    """A column of two values is a flag; one of a single value, or of many, is not."""
    columns = {"overlap": [True, None], "same": [1, 1], "many": list(range(2))}
    found = columns_of_few_values(columns, most=2)
    assert found == {"overlap": ["True", "none"], "many": ["0", "1"]}
