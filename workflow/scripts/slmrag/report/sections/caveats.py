"""What a reader should know before believing the numbers: cells, prompts and answers.

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
from slmrag.report.page.formats import NARROW, decimal, percent, show
from slmrag.report.page.labels import METRIC_LABELS
from slmrag.report.page.tables import Column, Rows, Section, Table, make_table
from slmrag.report.sections.language_caveats import language_caveats
from slmrag.report.sections.source_caveats import (
    device_caveats,
    endpoint_caveats,
    gold_caveats,
    text_limit_caveats,
)

FAILURES_TOLD = {
    "cut": "cut at the limit of tokens",
    "unfinished": "lost in a reasoning that never ended",
    "empty": "empty",
}
SHORTENED = {
    "shortened": "lost passages or words to fit the model",
    "questions_shortened": "lost words of the question itself",
}
SHORTENED_REMEDY = (
    "Raise the model's max_model_len, lower max_tokens, or give fewer or shorter passages. What "
    "this report says of a context is said of what was left of it."
)


def caveats_section(
    experiment: Experiment, rows: Rows, matrices: Sequence[ScoreMatrix]
) -> Section | None:
    """Return one sentence for each thing that is not as it should be, and the jobs' alerts."""
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
    caption = "Alerts that jobs raised while they ran"
    return make_table("job-alerts", caption, columns, experiment.observed.alerts)


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
                f"{matrix.dataset}: the cells differ in their questions, or scores are not "
                f"numbers; the tests compare the {len(matrix.questions)} questions that all have, "
                f"{matrix.left_out} fewer than the largest cell."
            )
    for matrix in matrices:
        if len(matrix.questions) < FEW_QUESTIONS:
            count = len(matrix.questions)
            yield f"{matrix.dataset}: only {count} questions show only large differences."


def failure_caveats(rows: Rows) -> Iterator[str]:
    """Many answers that are empty, unfinished, or cut at the limit of tokens themselves."""
    for name, words in FAILURES_TOLD.items():
        if worst := worst_cell(rows, name, above=MANY_FAILURES):
            yield (
                f"{worst.affected} of {worst.cells} cells have more than "
                f"{100 * MANY_FAILURES:.0f}{NARROW}% of answers {words}; most in {worst.name}: "
                f"{percent(worst.share)}."
            )


def refused_prompts(experiment: Experiment, rows: Rows) -> Iterator[str]:
    """Prompts that an endpoint refused, which count as answers of score 0."""
    if worst := worst_cell(rows, "refused"):
        names = (answered_column(experiment), experiment.primary)
        without, mean = (show(worst.row[name], "share") for name in names)
        yield (
            f"{worst.affected} of {worst.cells} cells have prompts that the endpoint refused; most "
            f"in {worst.name}: {worst.count} of {worst.n} ({percent(worst.share)}). Each counts as "
            "an answer with score 0, also in intervals and tests; without them that cell's "
            f"{METRIC_LABELS[experiment.primary].lower()} is {without} and not {mean}."
        )


def refused_grades(experiment: Experiment) -> Iterator[str]:
    """Answers that no judge saw: there was none, or the judge's endpoint refused the prompt."""
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
    for name, lost in SHORTENED.items():
        if worst := worst_cell(rows, name):
            yield (
                f"{worst.affected} of {worst.cells} cells have prompts that {lost}; most in "
                f"{worst.name}: {worst.count} of {worst.n} ({percent(worst.share)}"
                f"{passages_left(worst.row)}). {SHORTENED_REMEDY}"
            )


def passages_left(row: Mapping[str, Any]) -> str:
    """Say how many passages stood in a cell's prompts of those that its mode asks for, if any."""
    if not row["passages"]:
        return ""
    mean = decimal(row["passages_in_prompt"])
    return f"; {mean} of at most {row['passages']} passages stood in a prompt on average"


def shortened_grades(experiment: Experiment) -> Iterator[str]:
    """Prompts of a judge that were cut at their end, where it is told what to say."""
    for grades in experiment.grades:
        if grades.get("shortened"):
            yield (
                f"{graded_cell(grades)}: {grades['shortened']} of the {grades['n']} prompts of the "
                "judge lost words at their end to fit it; raise its max_model_len or lower its "
                "max_tokens."
            )


def oracle_answers(rows: Rows) -> Iterator[str]:
    """Gold passages that often lack the answer."""
    for dataset, mode, least, most in poor_oracles(rows):
        low, high = percent(least), percent(most)
        words = low if low == high else f"{low} to {high}"
        yield f"{dataset}: only {words} of the prompts of {mode} hold an answer."


def oracle_order(experiment: Experiment, rows: Rows) -> Iterator[str]:
    """Models that do worse with gold passages than without any."""
    for found in oracles_below_none(experiment, rows):
        words = f"with gold passages ({found.oracle}) than without context ({found.none})"
        yield f"{found.model} on {found.dataset} does worse {words}."
