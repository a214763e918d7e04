"""The section on causes: what context fixes and destroys, and how answers go wrong in form."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slmrag.report.analysis.compared_modes import WORDS, ends
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.score_matrix import Board, named
from slmrag.report.analysis.slices import share, use_of_context
from slmrag.report.page.sections import Section
from slmrag.report.page.tables import CELL, Column, Rows, Table, table
from slmrag.report.sections.failure_examples import LABELS, examples
from slmrag.report.sections.passage_counts import counts
from slmrag.report.sections.slices import slice_tables
from slmrag.scoring.failure_classes import FAILURE_NAMES

RANKS = ((1, 1, "rank 1"), (2, 2, "rank 2"), (3, 5, "ranks 3 to 5"), (6, 10**9, "rank 6 or more"))


def section(experiment: Experiment, rows: Rows, boards: Sequence[Board]) -> Section:
    """Return the tables of the causes."""
    words = [
        "An answer counts as right here if it holds a reference as whole tokens. Known questions "
        "are those that the model answers right without context. Hit: what stood in the prompt "
        "holds an answer.",
    ]
    tables = [contexts(experiment, boards), counts(experiment, rows), ranks(boards)]
    tables += [forms(boards), examples(experiment, boards)]
    tables += slice_tables(experiment, boards)
    return Section("why", "Why", words, tables=[found for found in tables if found.rows])


def contexts(experiment: Experiment, boards: Sequence[Board]) -> Table:
    """Return the table of known and unknown questions by hit and miss."""
    columns = [
        *CELL,
        Column("base", "Known by", help="The mode without context that tells what is known"),
        Column("known", "Known", "count"),
        Column("unknown", "Unknown", "count"),
        Column("fix_rate", "Fixed", "percent", "Unknown questions that the context makes right"),
        Column("destruction_rate", "Destroyed", "percent", "Known ones that it makes wrong"),
        Column("utilisation", "Utilised", "percent", "Unknown ones with a hit that become right"),
        Column("known_hit", "Right: known, hit", "percent"),
        Column("known_miss", "known, miss", "percent"),
        Column("unknown_hit", "unknown, hit", "percent"),
        Column("unknown_miss", "unknown, miss", "percent"),
        *(Column(f"n_{c.name}", f"n: {c.label.split(': ')[-1]}", "count") for c in GROUPS),
    ]
    rows = [row for board in boards for row in uses(board, experiment)]
    return table(
        "contexts",
        "What context does to what a model knows",
        columns,
        rows,
        "dataset",
        "model",
        "mode",
        note=WORDS,
    )


GROUPS = [
    Column("known_hit", "known, hit"),
    Column("known_miss", "known, miss"),
    Column("unknown_hit", "unknown, hit"),
    Column("unknown_miss", "unknown, miss"),
]


def uses(board: Board, experiment: Experiment) -> list[dict[str, Any]]:
    """Return one row a cell with context and mode without that it is held against."""
    rows = []
    for place, cell in enumerate(board.cells):
        among = [other.mode for other in board.cells if other.model == cell.model]
        if experiment.modes[cell.mode]["context"] == "none":
            continue
        for name in ends(experiment, cell.mode, "none", among):
            base = board.column(cell.model, name)
            columns = board.right[:, base], board.right[:, place], board.has_answer[:, place]
            rows.append(named(board, place) | {"base": name} | use_of_context(*columns))
    return rows


def ranks(boards: Sequence[Board]) -> Table:
    """Return the share of right answers by the rank of the first gold passage in the prompt."""
    rows = [
        named(board, place) | by_rank(board.right[:, place], board.gold_rank[:, place])
        for board in boards
        for place in range(len(board.cells))
        if board.gold_rank[:, place].any()
    ]
    columns = [Column(words, f"Gold at {words}", "percent") for *_, words in RANKS]
    columns.append(Column("absent", "No gold passage", "percent"))
    columns += [Column(f"n_{words}", f"n: {words}", "count") for *_, words in RANKS]
    columns.append(Column("n_absent", "n: none", "count"))
    return table(
        "ranks",
        "Right answers by the gold passage's rank",
        [*CELL, *columns],
        rows,
        "dataset",
        "mode",
        note=NO_GOLD,
    )


NO_GOLD = (
    "No gold passage: none stood in the prompt, because the retriever missed it, because it was "
    "cut, or because the corpus or the question has none."
)


def by_rank(right: np.ndarray, rank: np.ndarray) -> dict[str, float | None]:
    """Return the share of right answers of each class of ranks, and how many questions it has."""
    classes = {words: (rank >= low) & (rank <= high) for low, high, words in RANKS}
    classes["absent"] = rank == 0
    shares = {name: share(right, which) for name, which in classes.items()}
    return shares | {f"n_{name}": int(which.sum()) or None for name, which in classes.items()}


def forms(boards: Sequence[Board]) -> Table:
    """Return how often each failure of form occurs."""
    rows = [
        named(board, place) | form(board.failures[:, place], board.right[:, place])
        for board in boards
        for place in range(len(board.cells))
    ]
    lacking = set() if any(row["refused"] for row in rows) else {"refused"}
    columns = [Column(name, LABELS[name], "count") for name in FAILURE_NAMES if name not in lacking]
    sound = Column("sound", "None of these", "count")
    right = Column("right_despite", "Right all the same", "percent", "Among answers with a failure")
    note = "An answer has the first class that fits, right or wrong."
    every = [*CELL, *columns, sound, right]
    return table("failures", "Failures of form", every, rows, "dataset", "mode", "model", note=note)


def form(failures: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """Return the counts of a cell's failure classes."""
    counts = {name: int((failures == name).sum()) for name in FAILURE_NAMES}
    broken = failures != ""
    return counts | {"sound": int((~broken).sum()), "right_despite": share(right, broken)}
