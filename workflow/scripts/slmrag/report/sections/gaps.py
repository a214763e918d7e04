"""The share of the oracle's gain over no context that each retriever closes."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from slmrag.report.analysis.compared_modes import WORDS, ends
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.pair_intervals import bounds
from slmrag.report.analysis.score_matrix import Board
from slmrag.report.page.tables import CELL, Column, Rows, Table, table

NOT_DEFINED = "not defined: the oracle's gain may be zero"


def table_of(experiment: Experiment, boards: Sequence[Board]) -> Table:
    """Return the table of all data sets."""
    return gap([row for board in boards for row in closed(board, experiment)])


def gap(rows: Rows) -> Table:
    """Return the table of closed gaps."""
    columns = [
        *CELL,
        Column("none_mode", "Without"),
        Column("oracle_mode", "With gold passages"),
        Column("none", "No context", "share"),
        Column("retriever", "Retriever", "share"),
        Column("oracle", "Oracle", "share"),
        Column("closed", "Gap closed", "percent", "(retriever - none) / (oracle - none)", True),
        Column("remark", "Remark"),
    ]
    caption = "Share of the oracle's gain over no context that each retriever closes"
    return table("gaps", caption, columns, rows, "dataset", "model", note=WORDS)


def closed(board: Board, experiment: Experiment) -> list[dict[str, Any]]:
    """Return one row a model and retriever mode of a board that has both ends of the gap."""
    models = dict.fromkeys(cell.model for cell in board.cells if len(board.questions) > 1)
    return [
        {"dataset": board.dataset, "model": model, "mode": mode, **row}
        for model in models
        for mode, entry in experiment.modes.items()
        if entry["context"] == "retriever" and board.column(model, mode) is not None
        for row in shares(board, experiment, model, mode)
    ]


def shares(board: Board, experiment: Experiment, model: str, mode: str) -> Iterator[dict[str, Any]]:
    """Yield one row for each pair of ends that a retriever mode of a model is held against."""
    among = [cell.mode for cell in board.cells if cell.model == model]
    plain, ideal = (ends(experiment, mode, context, among) for context in ("none", "oracle"))
    for none, oracle in product(plain, ideal):
        places = [board.column(model, name) for name in (none, oracle, mode)]
        yield {"none_mode": none, "oracle_mode": oracle, **closed_share(board, *places)}


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
