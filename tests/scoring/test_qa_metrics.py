from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.data.normalize import normalize, tokens
from slmrag.scoring.qa_metrics import METRICS, score_answers

WORD = st.sampled_from(
    ["art", "Spartan", "the", "New", "York", "a", "1999", "\u00c9mile", "\u2013", "."]
)
PHRASE = st.lists(WORD, max_size=6).map(" ".join)


def one(answer, *references):
    """Return the scores of one answer as floats."""
    return {name: float(v[0]) for name, v in score_answers([answer], [references]).items()}


def plainly(answer, reference):
    """Return the scores of one pair by the definitions."""
    said, wanted = tokens(answer), tokens(reference)
    common = sum((Counter(said) & Counter(wanted)).values())
    recall = common / len(wanted) if wanted else 1.0
    precision = common / len(said) if said else 0.0
    f1 = 2 * precision * recall / (precision + recall) if common else float(said == wanted == [])
    whole = f" {' '.join(wanted)} " in f" {' '.join(said)} " or not wanted
    match = normalize(reference) in normalize(answer)
    return dict(zip(METRICS, (recall, precision, f1, said == wanted, match, whole), strict=True))


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        ("The Beatles", ["beatles"], [1, 1, 1, 1, 1, 1]),
        ("It is Paris, France.", ["Paris"], [1, 1 / 4, 2 / 5, 0, 1, 1]),
        ("Spartan", ["art"], [0, 0, 0, 0, 1, 0]),
        ("York", ["New York", "NY"], [1 / 2, 1, 2 / 3, 0, 0, 0]),
        ("", ["Paris"], [0, 0, 0, 0, 0, 0]),
        ("Paris", ["?"], [1, 0, 0, 0, 1, 1]),
        ("", ["the"], [1, 0, 1, 1, 1, 1]),
        ("no no", ["no no no"], [2 / 3, 1, 0.8, 0, 0, 0]),
    ],
)
def test_known_scores(answer, references, expected):
    """Recall, precision, F1, exact match, match and token match of known cases."""
    assert list(one(answer, *references).values()) == pytest.approx(expected)


@given(st.lists(st.tuples(PHRASE, st.lists(PHRASE, min_size=1, max_size=3)), max_size=5))
def test_scores_equal_the_plain_loop_to_the_last_digit(rows):
    """A whole column at once gives exactly what a loop over the definitions gives."""
    scores = score_answers([answer for answer, _ in rows], [own for _, own in rows])
    for place, (answer, own) in enumerate(rows):
        pairs = [plainly(answer, reference) for reference in own]
        for name in METRICS:
            assert scores[name][place] == max(pair[name] for pair in pairs)


def test_no_answers_give_empty_columns():
    """An empty cell is scored without complaint."""
    assert all(column.shape == (0,) for column in score_answers([], []).values())


def test_an_answer_without_reference_is_refused():
    """A question without references cannot be scored."""
    with pytest.raises(ValueError, match="at least one reference"):
        score_answers(["Paris"], [[]])


def test_a_megabyte_is_an_answer_like_any_other():
    """An answer of 1 MB that ends in the reference recalls it."""
    assert one("word " * 200_000 + "Paris", "Paris")["token_recall"] == 1.0


def test_chunks_do_not_show():
    """Answers scored in several chunks get the scores of their own references."""
    count = 5000
    scores = score_answers([str(i) for i in range(count)], [[str(i)] for i in range(count)])
    assert np.all(scores["exact_match"] == 1)
