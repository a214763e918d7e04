"""Kinds of questions: what a model knows by itself, how long the answer is, what is asked."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slmrag.data.normalize import tokens

HIT, MISS = 1, 0
QUESTION_WORDS = ("who", "what", "when", "where", "which", "why", "how")
_WORD = re.compile(r"[a-z]+")


def use_of_context(known: np.ndarray, right: np.ndarray, has_answer: np.ndarray) -> dict[str, Any]:
    """Return what a context did to what a model knew, (n,) each: counts and rates in [0, 1].

    Fix rate: right among the unknown; destruction rate: wrong among the known; utilisation: right
    among the unknown whose context has the answer (arXiv 2603.11513, 2510.02657). None: no such
    question.
    """
    hit, miss = has_answer == HIT, has_answer == MISS
    return {
        "known": int(known.sum()),
        "unknown": int((~known).sum()),
        "fix_rate": share(right, ~known),
        "destruction_rate": share(~right, known),
        "utilisation": share(right, ~known & hit),
        "known_hit": share(right, known & hit),
        "known_miss": share(right, known & miss),
        "unknown_hit": share(right, ~known & hit),
        "unknown_miss": share(right, ~known & miss),
        **{f"n_{name}": int(group.sum()) for name, group in groups(known, hit, miss).items()},
    }


def groups(known: np.ndarray, hit: np.ndarray, miss: np.ndarray) -> dict[str, np.ndarray]:
    """Return the four groups of questions."""
    return {
        "known_hit": known & hit,
        "known_miss": known & miss,
        "unknown_hit": ~known & hit,
        "unknown_miss": ~known & miss,
    }


def share(true: np.ndarray, among: np.ndarray) -> float | None:
    """Return the share of ``true`` in a group, None for an empty one."""
    return float(true[among].mean()) if among.any() else None


def answer_length(answers: Sequence[str]) -> str:
    """Return the tokens of the shortest reference, in classes."""
    shortest = min((len(tokens(answer)) for answer in answers), default=0)
    if shortest <= 2:
        return f"{max(shortest, 1)} token{'s' if shortest > 1 else ''}"
    return "3 or 4 tokens" if shortest <= 4 else "5 tokens or more"


def question_word(question: str) -> str:
    """Return the first question word of the question, or "other"."""
    return next(
        (word for word in _WORD.findall(question.lower()) if word in QUESTION_WORDS), "other"
    )


def flags(columns: Mapping[str, Sequence[Any]], most: int = 8) -> dict[str, list[str]]:
    """Return the columns, beyond the known ones, that sort questions into a few classes."""
    found = {
        name: ["none" if v is None else str(v) for v in values] for name, values in columns.items()
    }
    return {name: values for name, values in found.items() if 1 < len(set(values)) <= most}
