"""Metrics that know the language: MLQA's, worked out by hand, and ours for all scripts."""

import pytest
from slmrag.scoring.answer_words import mlqa_words, unicode_words
from slmrag.scoring.metric_variants import score_variants, variant_columns
from slmrag.scoring.qa_metrics import score_answers


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "The “Quoted” – Town!", ["quoted", "town"]),
        ("es", "El año, las 2 casas", ["año", "2", "casas"]),
        ("de", "Der Bär des Königs", ["bär", "königs"]),
        ("vi", "cái nhà", ["nhà"]),
        ("hi", "यह शहर है।", ["यह", "शहर", "है"]),
        ("ar", "الكتاب، سؤال", ["كتاب", "سؤ"]),
        ("zh", "巴黎（Paris）2 号", ["巴", "黎", "paris2", "号"]),
        ("zh-TW", "《a》", ["a"]),
    ],
)
def test_words_of_mlqa(language, text, words):
    """Unicode's punctuation goes, articles go by language, and Chinese is cut into letters."""
    assert mlqa_words(text, language) == words


def score(column, answer, reference, language=None):
    """Return one variant's score of one answer."""
    name = column.split("_")[0]
    return score_variants([answer], [[reference]], [name], language)[column][0]


@pytest.mark.parametrize(
    ("column", "answer", "reference", "language", "expected"),
    [
        ("mlqa_exact_match", "1914-1918", "1914–1918", "en", 1),
        ("mlqa_exact_match", "O'Brien", "O’Brien", "en", 1),
        ("mlqa_exact_match", "Beyonce\u0301", "Beyonc\u00e9", "en", 0),
        ("mlqa_f1", "法国巴黎", "巴黎", "zh", 2 / 3),
        ("mlqa_f1", "die Stadt Bonn", "Bonn", "de", 2 / 3),
        ("mlqa_f1", "", "", "en", 0),
        ("unicode_exact_match", "1914-1918", "1914–1918", None, 1),
        ("unicode_exact_match", "Beyonce\u0301", "Beyonc\u00e9", None, 1),
        ("unicode_exact_match", "１９８９", "1989", "ja", 1),
        ("unicode_exact_match", "STRASSE", "Straße", "de", 1),
        ("unicode_exact_match", "IĞDIR", "Iğdır", "tr", 1),
        ("unicode_exact_match", "IĞDIR", "Iğdır", None, 0),
        ("unicode_exact_match", "I\u0307STANBUL", "istanbul", "tr", 1),
        ("unicode_exact_match", "القَاهِرَة", "القاهرة", "ar", 1),
        ("unicode_exact_match", "Королев", "Королё\u0432", "ru", 1),
        ("unicode_f1", "東京都", "東京", "ja", 0.8),
        ("unicode_token_recall", "答案是巴黎。", "巴黎", None, 1),
        ("unicode_token_match", "答案是巴黎。", "巴黎", None, 1),
        ("unicode_token_match", "Parisian", "Paris", None, 0),
        ("unicode_exact_match", "the town", "town", None, 0),
        ("unicode_exact_match", "the town", "town", "en-GB", 1),
    ],
)
def test_scores(column, answer, reference, language, expected):
    """Each is what its definition gives by hand."""
    assert score(column, answer, reference, language) == pytest.approx(expected)


def test_the_squad_definition_stays_as_it_is():
    """Beside them ours go on counting an en dash as a letter of a word."""
    assert score_answers(["1914-1918"], [["1914–1918"]])["exact_match"][0] == 0
    assert variant_columns(["mlqa"]) == ["mlqa_exact_match", "mlqa_f1"]
    assert unicode_words("क्या है?", "hi") == ["क्या", "है"]
