"""Which questions or answers of a test set occur in its train set (Lewis et al., EACL 2021)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from slmrag.data.normalize import normalize

KINDS = ("question", "answer", "none")


def overlap_kinds(
    questions: Sequence[Mapping[str, Any]], train: Iterable[tuple[str, Sequence[str]]]
) -> list[str]:
    """Return for each question whether the train set has it, one of its answers, or neither.

    ``train`` yields (question, answers). Texts are compared after normalizing, so paraphrases,
    which the paper's annotators count too, are not found.
    """
    asked: set[str] = set()
    answered: set[str] = set()
    for question, answers in train:
        asked.add(normalize(question))
        answered.update(normalize(answer) for answer in answers)
    return [_kind(row, asked, answered) for row in questions]


def _kind(row: Mapping[str, Any], asked: set[str], answered: set[str]) -> str:
    if normalize(row["question"]) in asked:
        return "question"
    known = any(normalize(answer) in answered for answer in row["answers"])
    return "answer" if known else "none"
