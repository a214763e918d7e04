"""The section on differences: paired tests, and the share of the oracle's gain that is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from slmrag.reporting.boards import Board
from slmrag.reporting.headline import LABELS
from slmrag.reporting.pairs import MODELS, MODES, bounds
from slmrag.reporting.sections import Section
from slmrag.reporting.sources import Experiment
from slmrag.reporting.tables import Column, table

Rows = Sequence[Mapping[str, Any]]
NOT_DEFINED = "not defined: the oracle's gain may be zero"


def section(experiment: Experiment, boards: Sequence[Board], pairs: Rows) -> Section:
    """Return the tables of tests and of closed gaps."""
    words = [
        f"Effects are differences of mean {LABELS[experiment.primary].lower()} over the same "
        "questions, first less second. p: sign-flip permutation test; corrected over the tests of "
        "one family in one data set (Holm). Detectable: the difference that such a test would find "
        "8 times in 10. Exact match and match are tested by McNemar's exact test, uncorrected."
    ]
    gaps = [row for board in boards for row in closed(board, experiment)]
    tables = [
        tests(pairs, MODES, "Model", "modes"),
        tests(pairs, MODELS, "Mode", "models"),
        gap(gaps),
    ]
    return Section("differences", "Differences", words, tables=[t for t in tables if t.rows])


def tests(pairs: Rows, family: str, within: str, id: str) -> Any:
    """Return the table of one family of tests."""
    columns = [
        Column("dataset", "Data set"),
        Column("within", within),
        Column("first", "First"),
        Column("second", "Second"),
        Column(
            "effect", "Effect", "difference", "Mean of first less mean of second", estimate=True
        ),
        Column("p", "p", "probability"),
        Column("p_holm", "p, corrected", "probability"),
        Column("verdict", "Verdict"),
        Column("detectable", "Detectable", "share"),
        Column("p_exact_match", "p, exact match", "probability"),
        Column("p_match", "p, match", "probability"),
        Column("n", "Questions", "count"),
    ]
    rows = [row for row in pairs if row["family"] == family]
    caption = f"Paired tests between {family}"
    found = table(f"tests-{id}", caption, columns, rows, "dataset", "within", "verdict")
    return replace(found, source="pairs.csv")


def gap(rows: Rows) -> Any:
    """Return the table of closed gaps."""
    columns = [
        Column("dataset", "Data set"),
        Column("model", "Model"),
        Column("mode", "Mode"),
        Column("none", "No context", "share"),
        Column("retriever", "Retriever", "share"),
        Column("oracle", "Oracle", "share"),
        Column("closed", "Gap closed", "percent", "(retriever - none) / (oracle - none)", True),
        Column("remark", "Remark"),
    ]
    caption = "Share of the oracle's gain over no context that each retriever closes"
    return table("gaps", caption, columns, rows, "dataset", "model")


def closed(board: Board, experiment: Experiment) -> list[dict[str, Any]]:
    """Return one row a model and retriever mode of a board that has both ends of the gap."""
    by_context: dict[str, list[str]] = {}
    for name, mode in experiment.modes.items():
        by_context.setdefault(mode["context"], []).append(name)
    rows = []
    for model in dict.fromkeys(cell.model for cell in board.cells):
        ends = [
            board.column(model, m) for c in ("none", "oracle") for m in by_context.get(c, [])[:1]
        ]
        for mode in by_context.get("retriever", []):
            place = board.column(model, mode)
            if (
                place is not None
                and len(ends) == 2
                and None not in ends
                and len(board.questions) > 1
            ):
                rows.append({"model": model, "mode": mode, **closed_share(board, *ends, place)})
    return [{"dataset": board.dataset, **row} for row in rows]


def closed_share(board: Board, none: int, oracle: int, retriever: int) -> dict[str, Any]:
    """Return the closed share with its percentile interval, from paired resamples."""
    means = board.values.mean(axis=0)
    names = {"none": none, "retriever": retriever, "oracle": oracle}
    row = {name: float(means[place]) for name, place in names.items()}
    whole = board.values[:, oracle] - board.values[:, none]
    drawn = board.means[oracle] - board.means[none]
    low, high = bounds(whole, drawn, board.confidence)
    if low <= 0 <= high:
        return row | {"closed": None, "remark": NOT_DEFINED}
    tails = (1 - board.confidence) / 2
    shares = (board.means[retriever] - board.means[none]) / np.where(drawn == 0, np.nan, drawn)
    ends = np.nanquantile(shares, [tails, 1 - tails])
    value = (means[retriever] - means[none]) / (means[oracle] - means[none])
    return row | {
        "closed": float(value),
        "closed_low": float(ends[0]),
        "closed_high": float(ends[1]),
    }
