"""The section on causes: what context fixes and destroys, and how answers fail."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slmrag.config.redaction import clean_text
from slmrag.report.analysis.context_effects import (
    RANK_CLASSES,
    context_use_rows,
    gold_rank_rows,
    passage_count_rows,
)
from slmrag.report.analysis.experiment import Experiment, rows_of_questions
from slmrag.report.analysis.failures import examples_of_class, failure_rows
from slmrag.report.analysis.score_matrix import ScoreMatrix
from slmrag.report.analysis.slices import Slicing, class_key, slicings
from slmrag.report.page.labels import (
    COMPARED_MODES,
    FAILURE_LABELS,
    METRIC_LABELS,
    refusal_remark,
)
from slmrag.report.page.tables import (
    CELL_COLUMNS,
    DATASET,
    MODEL,
    Column,
    Rows,
    Section,
    Table,
    make_table,
)

LONGEST_EXAMPLE = 160
KNOWLEDGE_GROUPS = {
    "known_hit": "known, hit",
    "known_miss": "known, miss",
    "unknown_hit": "unknown, hit",
    "unknown_miss": "unknown, miss",
}


def context_effects_section(
    experiment: Experiment, rows: Rows, matrices: Sequence[ScoreMatrix]
) -> Section:
    """Return the tables of the causes."""
    intro = [
        "An answer counts as right here if it holds a reference as whole tokens. Known questions "
        "are those that the model answers right without context. Hit: what stood in the prompt "
        "holds an answer.",
    ]
    tables = [
        context_use_table(experiment, matrices),
        passage_counts_table(experiment, rows),
        gold_ranks_table(matrices),
        failures_table(matrices),
        failure_examples_table(experiment, matrices),
        *(
            slice_table(f"slices-{place}", slicing)
            for place, slicing in enumerate(slicings(experiment, matrices))
        ),
    ]
    return Section("why", "Why", intro, tables=[table for table in tables if table.rows])


def context_use_table(experiment: Experiment, matrices: Sequence[ScoreMatrix]) -> Table:
    """Return the table of known and unknown questions by hit and miss."""
    first, *others = KNOWLEDGE_GROUPS
    columns = [
        *CELL_COLUMNS,
        Column("base", "Known by", help="The mode without context that tells what is known"),
        Column("known", "Known", "count"),
        Column("unknown", "Unknown", "count"),
        Column("fix_rate", "Fixed", "percent", "Unknown questions that the context makes right"),
        Column("destruction_rate", "Destroyed", "percent", "Known ones that it makes wrong"),
        Column("utilisation", "Utilised", "percent", "Unknown ones with a hit that become right"),
        Column(first, f"Right: {KNOWLEDGE_GROUPS[first]}", "percent"),
        *(Column(name, KNOWLEDGE_GROUPS[name], "percent") for name in others),
        *(Column(f"n_{name}", f"n: {label}", "count") for name, label in KNOWLEDGE_GROUPS.items()),
    ]
    rows = context_use_rows(experiment, matrices)
    caption, filters = "What context does to what a model knows", ("dataset", "model", "mode")
    return make_table("contexts", caption, columns, rows, *filters, note=COMPARED_MODES)


def passage_counts_table(experiment: Experiment, rows: Rows) -> Table:
    """Return the primary metric by the number of passages that a mode chooses for its prompts."""
    found, numbers = passage_count_rows(experiment, rows)
    columns = [
        DATASET,
        Column("retriever", "Retriever"),
        MODEL,
        Column("variant", "Template"),
        Column("base", "Without"),
        *(Column(f"passages_{n}", str(n), "share", estimate=True) for n in numbers),
    ]
    caption = f"{METRIC_LABELS[experiment.primary]} by the number of passages that were chosen"
    note = COMPARED_MODES
    if any(row["shortened"] for row in rows):
        note += (
            " Some prompts were cut and held fewer; the section on retrieval says how many stood "
            "in them."
        )
    filters = ("dataset", "retriever", "model")
    return make_table("passages", caption, columns, found, *filters, note=note)


def gold_ranks_table(matrices: Sequence[ScoreMatrix]) -> Table:
    """Return the share of right answers by the rank of the first gold passage in the prompt."""
    columns = [
        *CELL_COLUMNS,
        *(Column(name, f"Gold at {name}", "percent") for name in RANK_CLASSES),
        Column("absent", "No gold passage", "percent"),
        *(Column(f"n_{name}", f"n: {name}", "count") for name in RANK_CLASSES),
        Column("n_absent", "n: none", "count"),
    ]
    note = (
        "No gold passage: none stood in the prompt, because the retriever missed it, because it "
        "was cut, or because the corpus or the question has none."
    )
    caption, rows = "Right answers by the gold passage's rank", gold_rank_rows(matrices)
    return make_table("ranks", caption, columns, rows, "dataset", "mode", note=note)


def failures_table(matrices: Sequence[ScoreMatrix]) -> Table:
    """Return how often each type of failure occurs."""
    rows = failure_rows(matrices)
    names = [n for n in FAILURE_LABELS if n != "refused" or any(row[n] for row in rows)]
    columns = [
        *CELL_COLUMNS,
        *(Column(name, FAILURE_LABELS[name], "count") for name in names),
        Column("sound", "None of these", "count"),
        Column("right_despite", "Right all the same", "percent", "Among answers with a failure"),
    ]
    note = "An answer has the first class that fits, right or wrong."
    filters = ("dataset", "mode", "model")
    return make_table("failures", "Failures of form", columns, rows, *filters, note=note)


def failure_examples_table(experiment: Experiment, matrices: Sequence[ScoreMatrix]) -> Table:
    """Return up to three answers of each failure type and data set, from different cells."""
    rows = [
        {"dataset": matrix.dataset, "failure": label, **row}
        for matrix in matrices
        for name, label in FAILURE_LABELS.items()
        for row in example_rows(experiment, matrix, name)
    ]
    columns = [
        Column("failure", "Failure"),
        *CELL_COLUMNS,
        Column("question", "Question", long=True),
        Column("answer", "Answer", long=True),
        Column("wrote", "All that it wrote, if more", long=True),
        Column("right", "Right"),
    ]
    caption, filters = "Examples of the failures of form", ("failure", "dataset")
    return make_table("failure-examples", caption, columns, rows, *filters)


def example_rows(
    experiment: Experiment, matrix: ScoreMatrix, name: str
) -> Iterator[Mapping[str, Any]]:
    """Yield the examples of one failure class as rows."""
    questions = experiment.questions.get((matrix.dataset,))
    for question, column in examples_of_class(matrix, name):
        id, cell = matrix.questions[question], matrix.cells[column]
        (asked,) = rows_of_questions(questions, [id], ("question_id", "question"))
        names = ("question_id", "raw_answer", "answer", "refusal")
        (said,) = rows_of_questions(cell.answers, [id], names)
        answer, wrote = (one_line(said.get(key) or "") for key in ("answer", "raw_answer"))
        yield {
            **matrix.cell_names(column),
            "question": one_line(f"{id}: {asked.get('question') or ''}"),
            "answer": answer or "(empty)",
            "wrote": one_line(refusal_remark(said)) or (None if wrote == answer else wrote),
            "right": "yes" if matrix.correct[question, column] else "no",
        }


def one_line(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    line = clean_text(" ".join(text.split()))
    return line if len(line) <= LONGEST_EXAMPLE else f"{line[:LONGEST_EXAMPLE]}\u2026"


def slice_table(id: str, slicing: Slicing) -> Table:
    """Return the primary metric by one kind of question."""
    columns = [Column(class_key(label), label, "share") for label in slicing.sizes]
    sizes = ", ".join(f"{label}: {size}" for label, size in slicing.sizes.items())
    caption, note = f"Mean by {slicing.name}", f"Questions: {sizes}."
    table_columns = [*CELL_COLUMNS, *columns]
    return make_table(id, caption, table_columns, slicing.rows, "dataset", "mode", note=note)
