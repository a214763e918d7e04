import pytest
from slmrag.scoring.failure_classes import FAILURE_NAMES, AnswerRecord, classify_failure

QUESTION = "What is the capital of France?"
PASSAGE = "Paris is the capital and the largest city of France, on the river Seine, and it is old."


def failure(raw, answer=None, finish="stop"):
    """Return the class of a completion whose answer is all of it, unless given."""
    answer = raw.strip() if answer is None else answer
    return classify_failure(AnswerRecord(raw, answer, finish, QUESTION, [PASSAGE]))


@pytest.mark.parametrize(
    ("raw", "answer", "finish", "expected"),
    [
        (" Paris\n", "Paris", "stop", None),
        ("", "", "refused", "refused"),
        ("", "", "stop", "empty"),
        (" ...\n", "...", "stop", "empty"),
        ("I don\u2019t know.", None, "stop", "refusal"),
        ("The passage does not mention it.", None, "stop", "refusal"),
        ("It is not specified in the context", None, "stop", "refusal"),
        ("What is the capital of France?", None, "stop", "echo"),
        ("the capital of France is", None, "stop", None),
        ("is the capital of France", None, "stop", "echo"),
        (PASSAGE, None, "stop", "copied_context"),
        ("Paris\nQuestion: Who?", "Paris", "stop", "run_on"),
        ("Paris\nQuestion: Who?", "Paris", "length", "run_on"),
        ("The capital:\nParis", "The capital: Paris", "stop", None),
        ("It is the city of", None, "length", "truncated"),
        ("<think>Let me see</think>Paris", "Paris", "stop", None),
        ("Paris</think>", None, "stop", "leaked_reasoning"),
        ("Paris [/THINK]", None, "length", "leaked_reasoning"),
        ("Within <answer> tags", None, "stop", None),
    ],
)
def test_failure_classes(raw, answer, finish, expected):
    """Each way to go wrong has one name, and a plain answer has none."""
    assert failure(raw, answer, finish) == expected


def test_a_reasoning_that_never_ended_is_a_class_of_its_own():
    """It is neither a leak, nor an empty answer, nor one cut at the limit of tokens."""
    cut = AnswerRecord("<think>Let me see", "", "length", QUESTION, [PASSAGE], "unfinished")
    assert classify_failure(cut) == "unfinished_reasoning"
    assert (
        classify_failure(cut._replace(raw="Paris", answer="Paris", reasoning="finished"))
        == "truncated"
    )


def test_names_are_in_the_order_of_their_tests():
    """The classes are named once, in the order in which they are tried."""
    assert FAILURE_NAMES[:4] == ("refused", "unfinished_reasoning", "leaked_reasoning", "empty")
