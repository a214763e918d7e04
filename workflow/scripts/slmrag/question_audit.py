"""What a set of questions holds: numbers, lengths, answers, gold passages."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from slmrag.alphabets import count, shares
from slmrag.audit import Lengths
from slmrag.has_answer import has_answer
from slmrag.text import normalise
from slmrag.writing import unspaced


def audit_questions(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return counts over questions with ``question``, ``answers`` and ``gold``."""
    with_gold = [row for row in rows if row["gold"]]
    answered = sum(gold_answers(row) for row in with_gold)
    references = [answer for row in rows for answer in row["answers"]]
    asked = Counter(normalise(row["question"]) for row in rows)
    return {
        "questions": len(rows),
        "duplicate_questions": sum(count - 1 for count in asked.values()),
        "answers": _lengths(len(row["answers"]) for row in rows),
        "answer_words": _lengths(len(a.split()) for row in rows for a in row["answers"]),
        "question_words": _lengths(len(row["question"].split()) for row in rows),
        "with_gold": len(with_gold),
        "gold_passages": sum(len(row["gold"]) for row in rows),
        "gold_has_answer": round(answered / len(with_gold), 6) if with_gold else None,
        "scripts": {
            "questions": shares(count(row["question"] for row in rows)),
            "answers": shares(count(references)),
        },
        "references": len(references),
        **{name: sum(map(test, references)) for name, test in UNLIKE.items()},
        "questions_unlike_squad": sum(
            bool(row["answers"]) and all(map(unlike, row["answers"])) for row in rows
        ),
    }


def punctuated(reference: str) -> bool:
    """Tell whether a reference holds punctuation that SQuAD's metrics take for letters (– ’ 。)."""
    return not reference.isascii() and any(
        not sign.isascii() and unicodedata.category(sign)[0] == "P" for sign in reference
    )


def decomposed(reference: str) -> bool:
    """Tell whether a reference is not in NFC, so that it equals no answer that is."""
    return not unicodedata.is_normalized("NFC", reference)


UNLIKE: dict[str, Callable[[str], bool]] = {
    "references_with_unicode_punctuation": punctuated,
    "references_not_in_nfc": decomposed,
    "references_without_spaces": unspaced,
}
"""What the metrics after SQuAD have no rule for, by its name in the audit."""


def unlike(reference: str) -> bool:
    """Tell whether the metrics after SQuAD have no rule for what a reference holds."""
    return any(test(reference) for test in UNLIKE.values())


def misfit(audit: Mapping[str, Any]) -> str | None:
    """Return a sentence where one question in a hundred has only references unlike SQuAD's."""
    unlike, total = audit["questions_unlike_squad"], audit["questions"]
    if 100 * unlike < total or not unlike:
        return None
    counted = ", ".join(f"{name} {audit[name]}" for name in UNLIKE)
    sentence = (
        f"{unlike} of {total} questions have only references that token_recall and its kin (after "
        f"SQuAD, for English) misread ({counted}); metrics.variants has unicode, which does not"
    )
    found = "; has_answer (DPR's) finds an answer without spaces only as a whole run of letters"
    return sentence + found * bool(audit["references_without_spaces"])


def gold_answers(row: Mapping[str, Any]) -> bool:
    """Tell whether a question's gold passages contain one of its answers."""
    return any(has_answer(passage["text"], row["answers"]) for passage in row["gold"])


def _lengths(values: Any) -> dict[str, float]:
    lengths = Lengths()
    lengths.add(np.fromiter(values, np.int64))
    return lengths.summary()
