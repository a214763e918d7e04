"""The section on the effect of context: answers that it fixes and destroys, and failures."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slmrag.config.redaction import redact
from slmrag.report.analysis.context_effects import (
    RANK_CLASSES,
    context_use_rows,
    examples_of_class,
    failure_rows,
    gold_rank_rows,
    passage_count_rows,
)
from slmrag.report.analysis.experiment import Experiment, rows_of_questions
from slmrag.report.analysis.score_matrix import ScoreMatrix
from slmrag.report.analysis.slices import Slicing, class_key, slicings
from slmrag.report.page.labels import (
    COMPARED_MODES_NOTE,
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

MAX_EXAMPLE_CHARACTERS = 160
KNOWLEDGE_GROUPS = {
    "known_hit": "known, hit",
    "known_miss": "known, miss",
    "unknown_hit": "unknown, hit",
    "unknown_miss": "unknown, miss",
}


def context_effects_section(
    experiment: Experiment, rows: Rows, matrices: Sequence[ScoreMatrix]
) -> Section:
    """Return the tables on contexts, failures and kinds of questions."""
    intro = [
        "An answer is correct here if it contains the tokens of a reference, whole and in order. "
        "Known: questions that the model answers correctly without context. Hit: the context in "
        "the prompt contains an answer. Miss: it does not.",
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
    kept = [table for table in tables if table.rows]
    return Section("context", "Effect of context", intro, tables=kept)


def context_use_table(experiment: Experiment, matrices: Sequence[ScoreMatrix]) -> Table:
    """Return the table of known and unknown questions by hit and miss."""
    columns = [
        *CELL_COLUMNS,
        Column("base", "Mode without context", help="It decides which questions are known"),
        Column("known", "Known", "count"),
        Column("unknown", "Unknown", "count"),
        Column("fix_rate", "Fixed", "percent", "Unknown questions that become correct"),
        Column("destruction_rate", "Destroyed", "percent", "Known questions that become wrong"),
        Column("utilisation", "Utilized", "percent", "Unknown with a hit that become correct"),
        *(Column(name, f"Correct: {label}", "percent") for name, label in KNOWLEDGE_GROUPS.items()),
        *(Column(f"n_{name}", f"n: {label}", "count") for name, label in KNOWLEDGE_GROUPS.items()),
    ]
    rows = context_use_rows(experiment, matrices)
    caption, filters = "What context does to what a model knows", ("dataset", "model", "mode")
    note = (
        "Fixed: share of the unknown questions that become correct with the context. Destroyed: "
        "share of the known questions that become wrong. Utilized: share of the unknown questions "
        f"with a hit that become correct. {COMPARED_MODES_NOTE}"
    )
    return make_table("contexts", caption, columns, rows, *filters, note=note)


def passage_counts_table(experiment: Experiment, rows: Rows) -> Table:
    """Return the primary metric by the number of passages that a mode chooses for its prompts."""
    found, numbers = passage_count_rows(experiment, rows)
    columns = [
        DATASET,
        Column("retriever", "Retriever"),
        MODEL,
        Column("variant", "Template"),
        Column("base", "Mode without context"),
        *(Column(f"passages_{n}", str(n), "share", estimate=True) for n in numbers),
    ]
    caption = f"{METRIC_LABELS[experiment.primary]} by number of passages"
    note = COMPARED_MODES_NOTE
    if any(row["shortened"] for row in rows):
        note += " Some prompts were shortened and contain fewer passages (see Retrieval)."
    filters = ("dataset", "retriever", "model")
    return make_table("passages", caption, columns, found, *filters, note=note)


def gold_ranks_table(matrices: Sequence[ScoreMatrix]) -> Table:
    """Return the share of correct answers by the rank of the first gold passage in the prompt."""
    columns = [
        *CELL_COLUMNS,
        *(Column(name, f"Gold at {name}", "percent") for name in RANK_CLASSES),
        Column("absent", "No gold passage", "percent"),
        *(Column(f"n_{name}", f"n: {name}", "count") for name in RANK_CLASSES),
        Column("n_absent", "n: none", "count"),
    ]
    note = (
        "No gold passage: the prompt contains none, because the retriever missed it, because it "
        "did not fit into the prompt, or because the corpus or the question has none."
    )
    caption, rows = "Correct answers by rank of the gold passage", gold_rank_rows(matrices)
    return make_table("ranks", caption, columns, rows, "dataset", "mode", note=note)


def failures_table(matrices: Sequence[ScoreMatrix]) -> Table:
    """Return how often each type of failure occurs."""
    rows = failure_rows(matrices)
    names = [n for n in FAILURE_LABELS if n != "refused" or any(row[n] for row in rows)]
    columns = [
        *CELL_COLUMNS,
        *(Column(name, FAILURE_LABELS[name], "count") for name in names),
        Column("sound", "No failure", "count"),
        Column("right_despite", "Correct despite failure", "percent", "Of answers with a failure"),
    ]
    note = "Each answer counts for the first type that fits, correct or not."
    filters = ("dataset", "mode", "model")
    return make_table("failures", "Failure types", columns, rows, *filters, note=note)


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
        Column("wrote", "Whole output, if longer", long=True),
        Column("right", "Correct"),
    ]
    caption, filters = "Examples of failures", ("failure", "dataset")
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
        (answered,) = rows_of_questions(cell.answers, [id], names)
        answer, wrote = (one_line(answered.get(key) or "") for key in ("answer", "raw_answer"))
        yield {
            **matrix.cell_names(column),
            "question": one_line(f"{id}: {asked.get('question') or ''}"),
            "answer": answer or "(empty)",
            "wrote": one_line(refusal_remark(answered)) or (None if wrote == answer else wrote),
            "right": "yes" if matrix.correct[question, column] else "no",
        }


def one_line(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    line = redact(" ".join(text.split()))
    return line if len(line) <= MAX_EXAMPLE_CHARACTERS else f"{line[:MAX_EXAMPLE_CHARACTERS]}\u2026"


def slice_table(id: str, slicing: Slicing) -> Table:
    """Return the primary metric by one kind of question."""
    columns = [Column(class_key(label), label, "share") for label in slicing.sizes]
    sizes = ", ".join(f"{label}: {size}" for label, size in slicing.sizes.items())
    caption, note = f"Mean by {slicing.name}", f"Number of questions: {sizes}."
    table_columns = [*CELL_COLUMNS, *columns]
    return make_table(id, caption, table_columns, slicing.rows, "dataset", "mode", note=note)
