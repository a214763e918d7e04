"""The share of the oracle's gain over no context that each retriever closes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slmrag.reporting.boards import Board
from slmrag.reporting.pair_intervals import bounds
from slmrag.reporting.sources import Experiment
from slmrag.reporting.tables import Column, Table, table

Rows = Sequence[Mapping[str, Any]]
NOT_DEFINED = "not defined: the oracle's gain may be zero"


def table_of(experiment: Experiment, boards: Sequence[Board]) -> Table:
    """Return the table of all data sets."""
    return gap([row for board in boards for row in closed(board, experiment)])


def gap(rows: Rows) -> Table:
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
