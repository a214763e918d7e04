import pytest
from slmrag.scoring.metric_variants import VARIANTS, score_variants, variant_columns
from slmrag.scoring.qa_metrics import score_answers


def score(column, answer, *references):
    """Return one variant's score of one answer."""
    name = next(name for name in VARIANTS if column.startswith(f"{name}_"))
    return score_variants([answer], [references], [name])[column][0]


@pytest.mark.parametrize(
    ("column", "answer", "reference", "expected"),
    [
        ("bergen_match", "Spartan", "art", 1),
        ("bergen_recall", "Paris", "the", 0),
        ("bergen_f1", "", "", 0),
        ("bergen_recall_char3gram", "Parisian", "Paris", 1),
        ("bergen_recall_char3gram", "Paris", "Parisian", 0.5),
        ("flashrag_acc", "It is Paris.", "Paris", 1),
        ("flashrag_f1", "yes it is", "yes", 0),
        ("flashrag_f1", "yes", "Yes.", 1),
        ("flashrag_recall", "no", "no way", 0),
        ("lm_eval_exact_match", "The Beatles", "Beatles", 0),
        ("lm_eval_exact_match", "Ana", "An", 1),
        ("lm_eval_exact_match", " Paris.", "paris", 1),
        ("squad_f1", "", "the", 0),
        ("squad_exact_match", "The Beatles", "beatles", 1),
        ("squad_f1", "", "", 0),
        ("squad_exact_match", "", "the", 1),
        ("bergen_match", "", "the", 1),
        ("bergen_match", "New York City", "York", 1),
        ("bergen_precision", "It is Paris", "Paris", 1 / 3),
        ("bergen_exact_match", "Paris!", "paris", 1),
        ("bergen_recall", "Paris Paris", "Paris", 1),
        ("bergen_recall_char3gram", "the cat", "cat", 1),
        ("flashrag_em", "a dog", "dog", 1),
        ("flashrag_precision", "no", "no way", 0),
        ("flashrag_f1", "noanswer", "no answer", 0),
        ("flashrag_acc", "Spartan", "art", 1),
        ("lm_eval_exact_match", "a cat", "cat", 0),
        ("lm_eval_exact_match", "banana", "bnn", 1),
        ("lm_eval_exact_match", "The", "", 0),
    ],
)
def test_the_disagreeing_cases(column, answer, reference, expected):
    """Each variant gives its source's score, also where that is not ours."""
    assert score(column, answer, reference) == expected


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("f1", "squad_f1"), ("match", "bergen_match"), ("precision", "flashrag_precision")],
)
def test_variants_agree_with_ours_on_plain_answers(ours, theirs):
    """Where nothing is empty and nothing is yes or no, all agree."""
    said, wanted = "the capital is New York City", ("New York", "NYC")
    assert score(theirs, said, *wanted) == score_answers([said], [wanted])[ours][0]


def test_columns_are_named_after_their_source():
    """Nobody can take a variant for the metric of the same name."""
    assert variant_columns(["squad", "lm_eval"]) == [
        "squad_exact_match",
        "squad_f1",
        "lm_eval_exact_match",
    ]
