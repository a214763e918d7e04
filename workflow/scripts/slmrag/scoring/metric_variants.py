"""Metrics of other evaluations, for comparison with published numbers, named after their source.

Read in November 2026: naver/bergen modules/metrics.py, RUC-NLPIR/FlashRAG evaluator/metrics.py,
EleutherAI/lm-evaluation-harness tasks/nq_open, and the evaluation scripts of SQuAD 1.1 and MLQA.
``unicode`` is ours: the metrics of the same names for all scripts.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from slmrag.data.normalize import normalize, tokens
from slmrag.scoring import answer_words

Metric = Callable[[str, str], float]
Words = Callable[[str], list[str]]
CHOICE_ANSWERS = frozenset({"yes", "no", "noanswer"})
LM_EVAL_IGNORED = re.compile(
    "\ban|a|the\b"
)  # in the task's YAML \b is a backspace: a goes anywhere
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def token_overlap(answer: Sequence[str], reference: Sequence[str]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of two lists of tokens; all 0 where none is shared."""
    common = sum((Counter(answer) & Counter(reference)).values())
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / len(answer), common / len(reference)
    return precision, recall, 2 * precision * recall / (precision + recall)


def token_metric(place: int) -> Metric:
    """Return precision (0), recall (1) or F1 (2): 0 where both texts are empty, unlike ours."""
    return lambda answer, reference: token_overlap(tokens(answer), tokens(reference))[place]


def choice_metric(place: int) -> Metric:
    """Return the same metric, but yes, no and noanswer count only if both texts are that word."""

    def metric(answer: str, reference: str) -> float:
        answer_text, reference_text = normalize(answer), normalize(reference)
        if answer_text != reference_text and ({answer_text, reference_text} & CHOICE_ANSWERS):
            return 0.0
        return token_overlap(answer_text.split(), reference_text.split())[place]

    return metric


def normalized_equal(answer: str, reference: str) -> float:
    """Return whether the normalized texts are equal."""
    return float(normalize(answer) == normalize(reference))


def normalized_contained(answer: str, reference: str) -> float:
    """Return whether the normalized reference is a substring of the normalized answer."""
    return float(normalize(reference) in normalize(answer))


def trigrams(text: str) -> list[str]:
    """Return the character 3-grams of each word; punctuation splits words, articles stay."""
    spaced = "".join(" " if c in string.punctuation else c for c in text.lower())
    return [w[i : i + 3] for w in spaced.split() for i in range(max(1, len(w) - 2))]


def trigram_recall(answer: str, reference: str) -> float:
    """Return the recall of character 3-grams."""
    return token_overlap(trigrams(answer), trigrams(reference))[1]


def lm_eval_equal(answer: str, reference: str) -> float:
    """Return equality after every small letter a is deleted, then case and punctuation."""
    one, two = (
        LM_EVAL_IGNORED.sub("", text.strip()).lower().translate(_PUNCTUATION)
        for text in (answer, reference)
    )
    return float(one == two)


def word_metric(words: Words, place: int) -> Metric:
    """Return precision (0), recall (1) or F1 (2) by some definition of a text's words."""
    return lambda answer, reference: token_overlap(words(answer), words(reference))[place]


def words_equal(words: Words) -> Metric:
    """Return whether the words of both texts are the same, in order."""
    return lambda answer, reference: float(words(answer) == words(reference))


def words_contained(words: Words) -> Metric:
    """Return whether the reference's words stand in a row among the answer's."""

    def metric(answer: str, reference: str) -> float:
        answer_words, reference_words = (
            f" {' '.join(words(text))} " for text in (answer, reference)
        )
        return float(reference_words in answer_words)

    return metric


def mlqa_metrics(language: str | None) -> dict[str, Metric]:
    """Return the metrics of MLQA for a language."""
    words = partial(answer_words.mlqa_words, language=language)
    return {"exact_match": words_equal(words), "f1": word_metric(words, 2)}


def unicode_metrics(language: str | None) -> dict[str, Metric]:
    """Return our metrics for all scripts; the articles of a language are left out."""
    words = partial(answer_words.unicode_words, language=language)
    return {
        "token_recall": word_metric(words, 1),
        "f1": word_metric(words, 2),
        "exact_match": words_equal(words),
        "token_match": words_contained(words),
    }


VARIANTS: dict[str, dict[str, Metric]] = {
    "bergen": {
        "match": normalized_contained,
        "exact_match": normalized_equal,
        "precision": token_metric(0),
        "recall": token_metric(1),
        "f1": token_metric(2),
        "recall_char3gram": trigram_recall,
    },
    "flashrag": {
        "acc": normalized_contained,
        "em": normalized_equal,
        "precision": choice_metric(0),
        "recall": choice_metric(1),
        "f1": choice_metric(2),
    },
    "lm_eval": {"exact_match": lm_eval_equal},
    "squad": {"exact_match": normalized_equal, "f1": token_metric(2)},
}


VARIANTS_BY_LANGUAGE: dict[str, Callable[[str | None], dict[str, Metric]]] = {
    "mlqa": mlqa_metrics,
    "unicode": unicode_metrics,
}
"""Variants that depend on the language of a data set."""


def variant_metrics(name: str, language: str | None = None) -> dict[str, Metric]:
    """Return the metrics of a variant by their names."""
    return VARIANTS_BY_LANGUAGE[name](language) if name in VARIANTS_BY_LANGUAGE else VARIANTS[name]


def variant_columns(names: Sequence[str]) -> list[str]:
    """Return the names of the columns of some variants: bergen_match and so on."""
    return [f"{name}_{metric}" for name in names for metric in variant_metrics(name)]


def score_variants(
    answers: Sequence[str],
    references: Sequence[Sequence[str]],
    names: Sequence[str],
    language: str | None = None,
) -> dict[str, np.ndarray]:
    """Return the columns of some variants: one value per answer, that of its best reference."""
    pairs = list(zip(answers, references, strict=True))
    return {
        f"{name}_{label}": np.array([max(metric(a, r) for r in own) for a, own in pairs], float)
        for name in names
        for label, metric in variant_metrics(name, language).items()
    }
