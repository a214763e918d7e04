"""SimpleQA's three grades (Wei et al. 2024), parsed strictly from a judge's verdict."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.models.reasoning import split_reasoning
from slmrag.prompts.template import compile_template
from slmrag.scoring.bootstrap import finite_or_none, intervals

if TYPE_CHECKING:
    import polars as pl

CORRECT, INCORRECT, NOT_ATTEMPTED = "correct", "incorrect", "not_attempted"
UNPARSEABLE = "unparseable"
GRADES = (CORRECT, INCORRECT, NOT_ATTEMPTED, UNPARSEABLE)
GRADE_OF_VERDICT = {
    "A": CORRECT,
    "B": INCORRECT,
    "C": NOT_ATTEMPTED,
    "CORRECT": CORRECT,
    "INCORRECT": INCORRECT,
    "NOT_ATTEMPTED": NOT_ATTEMPTED,
    "NOT ATTEMPTED": NOT_ATTEMPTED,
}
_VERDICT_PATTERN = re.compile(
    r"\W*([A-Z]|(?:IN)?CORRECT|NOT[_ ]ATTEMPTED)(?:\s*[:=\u2013-]\s*(.+?))?\W*"
)


def parse_verdict(verdict: str) -> str:
    """Return the grade that a judge's whole text after its reasoning names, else ``unparseable``.

    A letter, a word, or both if they agree; a letter inside a word or a sentence is no verdict, so
    that NOT_ATTEMPTED is never read as A.
    """
    found = _VERDICT_PATTERN.fullmatch(verdict[split_reasoning(verdict).start :].strip().upper())
    if not found:
        return UNPARSEABLE
    grades = {GRADE_OF_VERDICT.get(part.strip(), UNPARSEABLE) for part in found.groups() if part}
    return grades.pop() if len(grades) == 1 else UNPARSEABLE


def grade_verdict(verdict: str | None) -> str:
    """Return the grade of a verdict; without one (a refused prompt) it is ``not_attempted``."""
    return NOT_ATTEMPTED if verdict is None else parse_verdict(verdict)


def questions_for_judge(
    answers: "pl.DataFrame", questions: "pl.DataFrame", template: str
) -> "pl.DataFrame":
    """Return a table of prompts for the judge, one row per answer.

    Prompts that an endpoint refused to answer are left out (see ``grade_verdict``).
    ``template`` is Jinja and knows question, answers and answer, which are text to it.
    """
    import polars as pl

    asked = questions.select("question_id", "question", "answers")
    given = answers.filter((answers["finish_reason"] != "refused").fill_null(True))
    rows = given.select("question_id", "answer").join(
        asked, on="question_id", how="left", maintain_order="left"
    )
    made = compile_template(template)
    texts = [
        made.render(question=row["question"], answers=row["answers"], answer=row["answer"] or "")
        for row in rows.to_dicts()
    ]
    passage = pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String})
    none = pl.Series("passages", [[] for _ in texts], dtype=pl.List(passage))
    prompt = pl.lit("{{ question }}").alias("template")
    return rows.select("question_id", pl.Series("question", texts, pl.String), none, prompt)


def judge_name(model: Mapping[str, Any]) -> str:
    """Return a judge's name: its checkpoint, its name at the endpoint, or its engine."""
    return next(
        str(model[key]) for key in ("checkpoint", "served_name", "engine") if model.get(key)
    )


def summarize_grades(grades: Sequence[str], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return counts, the share correct with its interval, accuracy given attempted, and F1.

    Attempted are the correct and the incorrect; F1 is the harmonic mean of the share correct and
    the accuracy given attempted. An unparseable verdict is neither, and stays in the denominator.
    """
    counts = {name: sum(grade == name for grade in grades) for name in GRADES}
    right = np.array([grade == CORRECT for grade in grades], dtype=float)
    attempted = counts[CORRECT] + counts[INCORRECT]
    overall = float(right.mean()) if len(right) else None
    given = counts[CORRECT] / attempted if attempted else None
    bounds = (metrics["confidence"], metrics["bootstrap"], metrics.get("seed") or 0)
    low, high = intervals(right[:, None], *bounds)[0]
    return {
        "n": len(grades),
        **counts,
        "share_correct": {
            "mean": overall,
            "low": finite_or_none(low),
            "high": finite_or_none(high),
        },
        "accuracy_given_attempted": given,
        "f1": 2 * overall * given / (overall + given) if overall and given else 0.0,
    }
