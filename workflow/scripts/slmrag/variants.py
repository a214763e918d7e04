"""Other people's metrics, for comparison with published numbers; each named after its source.

Read in November 2026: naver/bergen modules/metrics.py, RUC-NLPIR/FlashRAG evaluator/metrics.py,
EleutherAI/lm-evaluation-harness tasks/nq_open, and the SQuAD 1.1 evaluation script.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from slmrag.text import normalise, tokens

Metric = Callable[[str, str], float]
CHOICES = frozenset({"yes", "no", "noanswer"})
LM_EVAL_IGNORED = re.compile(
    "\ban|a|the\b"
)  # in the task's YAML \b is a backspace: a goes anywhere
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def overlap(said: Sequence[str], wanted: Sequence[str]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of two lists of tokens; all 0 where none is shared."""
    common = sum((Counter(said) & Counter(wanted)).values())
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / len(said), common / len(wanted)
    return precision, recall, 2 * precision * recall / (precision + recall)


def of_tokens(place: int) -> Metric:
    """Return precision (0), recall (1) or F1 (2): 0 where both texts are empty, unlike ours."""
    return lambda answer, reference: overlap(tokens(answer), tokens(reference))[place]


def of_choices(place: int) -> Metric:
    """Return the same, but a yes or no counts only as the whole of both texts."""

    def metric(answer: str, reference: str) -> float:
        said, wanted = normalise(answer), normalise(reference)
        if said != wanted and ({said, wanted} & CHOICES):
            return 0.0
        return overlap(said.split(), wanted.split())[place]

    return metric


def equal(answer: str, reference: str) -> float:
    """Return whether the normal forms are equal."""
    return float(normalise(answer) == normalise(reference))


def contained(answer: str, reference: str) -> float:
    """Return whether the reference is a substring of the answer, in normal form."""
    return float(normalise(reference) in normalise(answer))


def trigrams(text: str) -> list[str]:
    """Return the character 3-grams of each word; punctuation splits words, articles stay."""
    spaced = "".join(" " if c in string.punctuation else c for c in text.lower())
    return [w[i : i + 3] for w in spaced.split() for i in range(max(1, len(w) - 2))]


def trigram_recall(answer: str, reference: str) -> float:
    """Return the recall of character 3-grams."""
    return overlap(trigrams(answer), trigrams(reference))[1]


def lm_eval_equal(answer: str, reference: str) -> float:
    """Return equality after every small letter a is deleted, then case and punctuation."""
    one, two = (
        LM_EVAL_IGNORED.sub("", text.strip()).lower().translate(_PUNCTUATION)
        for text in (answer, reference)
    )
    return float(one == two)


VARIANTS: dict[str, dict[str, Metric]] = {
    "bergen": {
        "match": contained,
        "exact_match": equal,
        "precision": of_tokens(0),
        "recall": of_tokens(1),
        "f1": of_tokens(2),
        "recall_char3gram": trigram_recall,
    },
    "flashrag": {
        "acc": contained,
        "em": equal,
        "precision": of_choices(0),
        "recall": of_choices(1),
        "f1": of_choices(2),
    },
    "lm_eval": {"exact_match": lm_eval_equal},
    "squad": {"exact_match": equal, "f1": of_tokens(2)},
}


def columns(names: Sequence[str]) -> list[str]:
    """Return the names of the columns of some variants: bergen_match and so on."""
    return [f"{name}_{metric}" for name in names for metric in VARIANTS[name]]


def score_variants(
    answers: Sequence[str], references: Sequence[Sequence[str]], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return each column of some variants, one value an answer, its best reference counting."""
    pairs = list(zip(answers, references, strict=True))
    return {
        f"{name}_{label}": np.array([max(metric(a, r) for r in own) for a, own in pairs], float)
        for name in names
        for label, metric in VARIANTS[name].items()
    }
