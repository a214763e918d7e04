"""What is said of prompts that an endpoint did not answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slmrag.report.analysis.comparison import without_refused
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.formats import percent, show
from slmrag.report.sections.result import LABELS

Rows = Sequence[dict[str, Any]]


def caveats(experiment: Experiment, rows: Rows, boards: Any) -> Iterator[str]:
    """Prompts that an endpoint refused, which count as answers of score 0."""
    refused = [row for row in rows if row["n"] and row["refused"]]
    if refused:
        worst = max(refused, key=lambda row: row["refused"] / row["n"])
        cell = f"{worst['model']}/{worst['dataset']}/{worst['mode']}"
        share = percent(worst["refused"] / worst["n"])
        means = [show(worst[n], "share") for n in (without_refused(experiment), experiment.primary)]
        yield (
            f"{len(refused)} of {len(rows)} cells have prompts that the endpoint refused; most in "
            f"{cell}: {worst['refused']} of {worst['n']} ({share}). Each counts as an answer with "
            f"score 0, also in intervals and tests; without them that cell's "
            f"{LABELS[experiment.primary].lower()} is {means[0]} and not {means[1]}."
        )


def judged(experiment: Experiment, rows: Rows, boards: Any) -> Iterator[str]:
    """Answers that no judge saw: there was none, or the judge's endpoint refused the prompt."""
    for grades in experiment.grades:
        cell = "/".join(grades[name] for name in ("model", "dataset", "mode"))
        if grades.get("refused"):
            yield (
                f"{cell}: {grades['refused']} of {grades['n']} prompts were refused by the model's "
                "endpoint; they count as not attempted, and the judge was not asked."
            )
        if grades.get("refused_by_judge"):
            yield (
                f"{cell}: the judge's endpoint refused {grades['refused_by_judge']} of "
                f"{grades['n']} prompts; they count as unparseable."
            )


def words(answer: Mapping[str, Any]) -> str:
    """Say why an answer's prompt was refused, in the endpoint's words, else nothing."""
    told = answer.get("refusal")
    return f"Refused by the endpoint: {told}." if told else ""
