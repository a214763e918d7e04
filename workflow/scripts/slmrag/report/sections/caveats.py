"""The section on caveats: what a reader should know before trusting the numbers.

Caveats on languages, and on data, retrievers and machines, have modules of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slmrag.report.analysis.caveats import (
    FEW_QUESTIONS,
    MANY_FAILURES,
    oracles_below_none,
    poor_oracles,
    worst_cell,
)
from slmrag.report.analysis.comparison import answered_column
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.score_matrix import ScoreMatrix
from slmrag.report.page.formats import NARROW_SPACE, format_decimal, format_percent, format_value
from slmrag.report.page.labels import metric_phrase
from slmrag.report.page.tables import Column, Rows, Section, Table, make_table
from slmrag.report.sections.language_caveats import language_caveats
from slmrag.report.sections.source_caveats import (
    device_caveats,
    endpoint_caveats,
    gold_caveats,
    text_limit_caveats,
)

FAILURE_WORDS = {
    "cut": "truncated at max_tokens",
    "unfinished": "missing because the reasoning never ended",
    "empty": "empty",
}
SHORTENING_WORDS = {
    "shortened": "prompts that lost passages or words to fit the model",
    "questions_shortened": "prompts that lost words of the question itself",
}
SHORTENING_ADVICE = (
    "Raise the model's max_model_len, lower max_tokens, or use fewer or shorter passages. In this "
    "report, context means what was left of it in the prompt."
)


def caveats_section(
    experiment: Experiment, rows: Rows, matrices: Sequence[ScoreMatrix]
) -> Section | None:
    """Return a sentence for each problem, and the jobs' alerts; None where there are none."""
    notices = [
        *missing_cells(rows),
        *question_caveats(matrices),
        *language_caveats(experiment),
        *failure_caveats(rows),
        *refused_prompts(experiment, rows),
        *refused_grades(experiment),
        *shortened_prompts(rows),
        *shortened_grades(experiment),
        *oracle_answers(rows),
        *gold_caveats(experiment),
        *oracle_order(experiment, rows),
        *device_caveats(experiment, rows),
        *endpoint_caveats(experiment),
        *text_limit_caveats(experiment),
    ]
    alerts = alerts_table(experiment)
    if not notices and not alerts.rows:
        return None
    return Section("alerts", "Caveats", notices=notices, tables=[alerts] if alerts.rows else [])


def alerts_table(experiment: Experiment) -> Table:
    """Return the table of alerts that jobs raised."""
    columns = [
        Column("job", "Job"),
        Column("alert", "Alert"),
        Column("message", "What happened", long=True),
        Column("time", "When"),
    ]
    caption = "Alerts raised by jobs while they ran"
    return make_table("job-alerts", caption, columns, experiment.job_records.alerts)


def missing_cells(rows: Rows) -> Iterator[str]:
    """Cells without scores."""
    lost = [row for row in rows if row["status"] != "scored"]
    if lost:
        first = lost[0]
        cell = f"{first['model']}/{first['dataset']}/{first['mode']}"
        yield f"{len(lost)} of {len(rows)} cells are missing; {cell}: {first['status']}."


def question_caveats(matrices: Sequence[ScoreMatrix]) -> Iterator[str]:
    """Questions that some cells lack or have no number for; data sets with few questions."""
    for matrix in matrices:
        if matrix.left_out:
            yield (
                f"{matrix.dataset}: the cells have different questions, or scores that are not "
                f"numbers. The tests compare the {len(matrix.questions)} questions that all cells "
                f"have, {matrix.left_out} fewer than the largest cell."
            )
    for matrix in matrices:
        if len(matrix.questions) < FEW_QUESTIONS:
            count = len(matrix.questions)
            yield f"{matrix.dataset}: with {count} questions only large differences are detectable."


def failure_caveats(rows: Rows) -> Iterator[str]:
    """Many answers that are empty, unfinished, or truncated at max_tokens."""
    for name, words in FAILURE_WORDS.items():
        if worst := worst_cell(rows, name, above=MANY_FAILURES):
            yield (
                f"{worst.affected} of {worst.cells} cells have more than "
                f"{100 * MANY_FAILURES:.0f}{NARROW_SPACE}% answers that are {words}; most in "
                f"{worst.name}: {format_percent(worst.share)}."
            )


def refused_prompts(experiment: Experiment, rows: Rows) -> Iterator[str]:
    """Prompts that an endpoint refused, which count as answers of score 0."""
    if worst := worst_cell(rows, "refused"):
        names = (answered_column(experiment), experiment.primary)
        without, mean = (format_value(worst.row[name], "share") for name in names)
        yield (
            f"{worst.affected} of {worst.cells} cells have prompts that the endpoint refused; most "
            f"in {worst.name}: {worst.count} of {worst.n} ({format_percent(worst.share)}). Each "
            "counts as an answer with score 0, also in intervals and tests. Without them, that "
            f"cell's {metric_phrase(experiment.primary)} is {without} instead of {mean}."
        )


def refused_grades(experiment: Experiment) -> Iterator[str]:
    """Prompts that the model's or the judge's endpoint refused, so that no judge graded them."""
    for grades in experiment.grades:
        if grades.get("refused"):
            yield (
                f"{graded_cell(grades)}: {grades['refused']} of {grades['n']} prompts were refused "
                "by the model's endpoint; they count as not attempted, and the judge was not asked."
            )
        if grades.get("refused_by_judge"):
            yield (
                f"{graded_cell(grades)}: the judge's endpoint refused "
                f"{grades['refused_by_judge']} of {grades['n']} prompts; they count as unparseable."
            )


def graded_cell(grades: Mapping[str, Any]) -> str:
    """Return the name of a graded cell."""
    return "/".join(grades[name] for name in ("model", "dataset", "mode"))


def shortened_prompts(rows: Rows) -> Iterator[str]:
    """Prompts that lost passages, words of a passage or words of the question to fit a model."""
    for name, lost in SHORTENING_WORDS.items():
        if worst := worst_cell(rows, name):
            yield (
                f"{worst.affected} of {worst.cells} cells have {lost}; most in "
                f"{worst.name}: {worst.count} of {worst.n} ({format_percent(worst.share)}"
                f"{passages_left(worst.row)}). {SHORTENING_ADVICE}"
            )


def passages_left(row: Mapping[str, Any]) -> str:
    """Say how many of the passages that a mode asks for are in a cell's prompts, if any."""
    if not row["passages"]:
        return ""
    mean = format_decimal(row["passages_in_prompt"])
    return f"; on average {mean} of at most {row['passages']} passages are in a prompt"


def shortened_grades(experiment: Experiment) -> Iterator[str]:
    """Prompts of a judge that were cut at their end, where its instructions are."""
    for grades in experiment.grades:
        if grades.get("shortened"):
            yield (
                f"{graded_cell(grades)}: {grades['shortened']} of the {grades['n']} prompts of the "
                "judge lost words at their end to fit the judge model; raise its max_model_len or "
                "lower its max_tokens."
            )


def oracle_answers(rows: Rows) -> Iterator[str]:
    """Gold passages that often lack the answer."""
    for dataset, mode, least, most in poor_oracles(rows):
        low, high = format_percent(least), format_percent(most)
        words = low if low == high else f"{low} to {high}"
        yield f"{dataset}: only {words} of the prompts of {mode} contain an answer."


def oracle_order(experiment: Experiment, rows: Rows) -> Iterator[str]:
    """Models that score lower with gold passages than without any."""
    for found in oracles_below_none(experiment, rows):
        words = f"with gold passages ({found.oracle}) than without context ({found.none})"
        yield f"{found.model} on {found.dataset} scores lower {words}."
