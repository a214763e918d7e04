import pytest
from slmrag.scoring.judge import parse_verdict, summarize_grades

METRICS = {"confidence": 0.95, "bootstrap": 200}


@pytest.mark.parametrize(
    ("verdict", "grade"),
    [
        ("A", "correct"),
        (" b.\n", "incorrect"),
        ("**C**", "not_attempted"),
        ("A: CORRECT", "correct"),
        ("B - INCORRECT", "incorrect"),
        ("NOT_ATTEMPTED", "not_attempted"),
        ("not attempted", "not_attempted"),
        ("CORRECT", "correct"),
        ("A: INCORRECT", "unparseable"),
        ("D", "unparseable"),
        ("A or B", "unparseable"),
        ("The answer is A", "unparseable"),
        ("Attempted", "unparseable"),
        ("", "unparseable"),
    ],
)
def test_a_verdict_is_read_strictly(verdict, grade):
    """Only a text that is nothing but a verdict counts as one."""
    assert parse_verdict(verdict) == grade


def test_accuracy_is_of_the_attempted():
    """Two right, one wrong, one abstention, one unreadable: 2/5 correct, 2/3 given attempted."""
    grades = ["correct", "correct", "incorrect", "not_attempted", "unparseable"]
    found = summarize_grades(grades, METRICS)
    assert found["share_correct"]["mean"] == 0.4
    assert found["accuracy_given_attempted"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(0.5)
    assert found["unparseable"] == 1


def test_nothing_attempted_has_no_accuracy():
    """Where nothing was attempted, the accuracy is not defined and F1 is 0."""
    found = summarize_grades(["not_attempted"] * 3, METRICS)
    assert found["accuracy_given_attempted"] is None and found["f1"] == 0.0


def test_no_answers_are_no_grades():
    """An empty cell is summarized without complaint."""
    assert summarize_grades([], METRICS)["share_correct"]["mean"] is None
