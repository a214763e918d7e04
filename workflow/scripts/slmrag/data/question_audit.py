"""What a set of questions holds: numbers, lengths, answers, gold passages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slmrag.data.corpus_audit import Lengths
from slmrag.data.has_answer import has_answer
from slmrag.data.normalize import normalize
from slmrag.data.squad_misfit import UNLIKE_SQUAD, is_unlike_squad
from slmrag.data.unicode_scripts import count_signs, script_shares


def audit_questions(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return counts over questions with ``question``, ``answers`` and ``gold``."""
    with_gold = [row for row in rows if row["gold"]]
    answered = sum(gold_has_answer(row) for row in with_gold)
    references = [answer for row in rows for answer in row["answers"]]
    asked = Counter(normalize(row["question"]) for row in rows)
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
            "questions": script_shares(count_signs(row["question"] for row in rows)),
            "answers": script_shares(count_signs(references)),
        },
        "references": len(references),
        **{name: sum(map(test, references)) for name, test in UNLIKE_SQUAD.items()},
        "questions_unlike_squad": sum(
            bool(row["answers"]) and all(map(is_unlike_squad, row["answers"])) for row in rows
        ),
    }


def gold_has_answer(row: Mapping[str, Any]) -> bool:
    """Tell whether a question's gold passages contain one of its answers."""
    return any(has_answer(passage["text"], row["answers"]) for passage in row["gold"])


def _lengths(values: Any) -> dict[str, float]:
    lengths = Lengths()
    lengths.add(np.fromiter(values, np.int64))
    return lengths.summary()
