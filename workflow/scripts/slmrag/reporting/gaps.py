"""The share of the oracle's gain over no context that each retriever closes."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from slmrag.reporting.boards import Board
from slmrag.reporting.pair_intervals import bounds
from slmrag.reporting.sources import Experiment
from slmrag.reporting.tables import CELL, Column, Rows, Table, table

NOT_DEFINED = "not defined: the oracle's gain may be zero"


def table_of(experiment: Experiment, boards: Sequence[Board]) -> Table:
    """Return the table of all data sets."""
    return gap([row for board in boards for row in closed(board, experiment)])


def gap(rows: Rows) -> Table:
    """Return the table of closed gaps."""
    columns = [
        *CELL,
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
    by_context: dict[str, list[str]] = {"none": [], "oracle": [], "retriever": []}
    for name, mode in experiment.modes.items():
        by_context[mode["context"]].append(name)
    models = dict.fromkeys(cell.model for cell in board.cells if len(board.questions) > 1)
    plain, ideal = by_context["none"][:1], by_context["oracle"][:1]
    return [
        {"dataset": board.dataset, "model": model, "mode": name, **closed_share(board, *places)}
        for model in models
        for name, *ends in product(by_context["retriever"], plain, ideal)
        if None not in (places := [board.column(model, mode) for mode in (*ends, name)])
    ]


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
