"""Effects of the context on answers, by gold rank and number of passages; failures of answers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from slmrag.report.analysis.compared_modes import compared_modes, other_settings
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.provenance import template_digests
from slmrag.report.analysis.score_matrix import ScoreMatrix, share
from slmrag.scoring.failure_classes import FAILURE_NAMES

RANK_CLASSES = {
    "rank 1": (1, 1),
    "rank 2": (2, 2),
    "ranks 3 to 5": (3, 5),
    "rank 6 or more": (6, 10**9),
}
EXAMPLES_PER_CLASS = 3
Row = Mapping[str, Any]


def context_use_rows(
    experiment: Experiment, matrices: Sequence[ScoreMatrix]
) -> list[dict[str, Any]]:
    """Return one row per cell with context and mode without context that it is compared with."""
    rows = []
    for matrix in matrices:
        for column, cell in enumerate(matrix.cells):
            if experiment.modes[cell.mode]["context"] == "none":
                continue
            among = [other.mode for other in matrix.cells if other.model == cell.model]
            for base in compared_modes(experiment, cell.mode, "none", among):
                known = matrix.correct[:, matrix.column(cell.model, base)]
                used = context_use(known, matrix.correct[:, column], matrix.has_answer[:, column])
                rows.append(matrix.cell_names(column) | {"base": base} | used)
    return rows


def context_use(known: np.ndarray, correct: np.ndarray, has_answer: np.ndarray) -> dict[str, Any]:
    """Return how a context changed what a model knew, (n,) each: counts and rates in [0, 1].

    ``known``: correct without context; ``has_answer``: 1, 0 or NaN. Fix rate: correct among the
    unknown; destruction rate: wrong among the known; utilization: correct among the unknown whose
    context has the answer (arXiv 2603.11513, 2510.02657). None: no such question.
    """
    hit, miss = has_answer == 1, has_answer == 0
    groups = {
        "known_hit": known & hit,
        "known_miss": known & miss,
        "unknown_hit": ~known & hit,
        "unknown_miss": ~known & miss,
    }
    return {
        "known": int(known.sum()),
        "unknown": int((~known).sum()),
        "fix_rate": share(correct, ~known),
        "destruction_rate": share(~correct, known),
        "utilisation": share(correct, ~known & hit),
        **{name: share(correct, group) for name, group in groups.items()},
        **{f"n_{name}": int(group.sum()) for name, group in groups.items()},
    }


def gold_rank_rows(matrices: Sequence[ScoreMatrix]) -> list[dict[str, Any]]:
    """Return one row per cell with gold passages in its prompts: the share correct by rank."""
    return [
        matrix.cell_names(column)
        | share_by_rank(matrix.correct[:, column], matrix.gold_rank[:, column])
        for matrix in matrices
        for column in range(len(matrix.cells))
        if matrix.gold_rank[:, column].any()
    ]


def share_by_rank(correct: np.ndarray, rank: np.ndarray) -> dict[str, float | None]:
    """Return the share correct of each class of ranks, and how many questions it has."""
    classes = {name: (rank >= low) & (rank <= high) for name, (low, high) in RANK_CLASSES.items()}
    classes["absent"] = rank == 0
    shares = {name: share(correct, which) for name, which in classes.items()}
    return shares | {f"n_{name}": int(which.sum()) or None for name, which in classes.items()}


def passage_count_rows(
    experiment: Experiment, rows: Sequence[Row]
) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the primary metric by number of passages, and the numbers that there are.

    There is a row a data set, retriever, model, template and mode without context, which counts
    as 0 passages; its means and bounds are under ``passages_{n}``.
    """
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    numbers: set[int] = set()
    for cells in cells_by_model(rows):
        for row in cells.values():
            if row["context"] != "retriever" or not row["passages"]:
                continue
            for names, base in compared_cells(experiment, row, cells):
                lines = found.setdefault(tuple(names.values()), [])
                add_to_lines(lines, names, experiment.primary, row, base)
                numbers |= {row["passages"], *([0] if base else [])}
    return [line for lines in found.values() for line in lines], sorted(numbers)


def cells_by_model(rows: Sequence[Row]) -> list[dict[str, Row]]:
    """Return the cells, by mode, of each model and data set."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        found.setdefault((row["dataset"], row["model"]), {})[row["mode"]] = row
    return list(found.values())


def compared_cells(
    experiment: Experiment, row: Row, cells: Mapping[str, Row]
) -> Iterator[tuple[dict[str, Any], Row]]:
    """Yield the names of a cell's line with the cell of each mode that it is compared with."""
    among = [mode for mode, one in cells.items() if one[experiment.primary] is not None]
    variant = variant_label(experiment, row["mode"])
    names = {name: row[name] for name in ("dataset", "retriever", "model")} | {"variant": variant}
    bases = compared_modes(experiment, row["mode"], "none", among)
    yield from ((names | {"base": base}, cells[base]) for base in bases)
    if not bases:
        yield names | {"base": None}, {}


def variant_label(experiment: Experiment, mode: str) -> str:
    """Return the label that distinguishes a mode from others with its retriever and passages."""
    path = experiment.job_records.config.get("modes", {}).get(mode, {}).get("prompt")
    more = [f"{key}: {value}" for key, value in other_settings(experiment, mode).items()]
    digest = template_digests(experiment)[mode]
    return ", ".join([f"{path} ({digest})" if path else digest, *more])


def add_to_lines(lines: list[dict[str, Any]], names: Row, metric: str, row: Row, base: Row) -> None:
    """Put a cell into the first line of its names with room for it; equal modes get a line each."""
    own = estimate_columns(metric, row, row["passages"])
    line = next((line for line in lines if not own.keys() & line.keys()), None)
    if line is None:
        line = {**names, **(estimate_columns(metric, base, 0) if base else {})}
        lines.append(line)
    line |= own


def estimate_columns(metric: str, row: Row, passages: int) -> dict[str, Any]:
    """Return a cell's mean and bounds under the names of its number of passages."""
    return {f"passages_{passages}{end}": row.get(metric + end) for end in ("", "_low", "_high")}


def failure_rows(matrices: Sequence[ScoreMatrix]) -> list[dict[str, Any]]:
    """Return one row a cell: the count of each class, and how many failures are correct anyway."""
    return [
        matrix.cell_names(column)
        | counts_by_class(matrix.failures[:, column], matrix.correct[:, column])
        for matrix in matrices
        for column in range(len(matrix.cells))
    ]


def counts_by_class(failures: np.ndarray, correct: np.ndarray) -> dict[str, Any]:
    """Return the counts of a cell's failure classes, (n,) each, and the share that is correct."""
    counts = {name: int((failures == name).sum()) for name in FAILURE_NAMES}
    failed = failures != ""
    return counts | {"sound": int((~failed).sum()), "right_despite": share(correct, failed)}


def examples_of_class(matrix: ScoreMatrix, name: str) -> Iterator[tuple[int, int]]:
    """Yield question and column of up to three answers of a class, from the cells with the most."""
    found = matrix.failures == name
    counts = found.sum(axis=0)
    order = [int(column) for column in np.argsort(-counts, kind="stable") if counts[column]]
    for turn, column in enumerate((order * EXAMPLES_PER_CLASS)[:EXAMPLES_PER_CLASS]):
        own = np.flatnonzero(found[:, column])
        if turn // len(order) < len(own):
            yield int(own[turn // len(order)]), column
