"""The numbers behind "any two cells": every pair's test, rounded as shown, packed for the page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.reporting.boards import Board
from slmrag.reporting.headline import LABELS
from slmrag.reporting.packing import packed
from slmrag.reporting.pair_tests import other_metrics
from slmrag.reporting.pairs import FAMILIES, NO_DIFFERENCE

if TYPE_CHECKING:
    import polars as pl

ALL = 600_000  # pairs that a page carries at most
BOUND = 10  # the least p value that is shown as a number, in steps of 0.0001


def pack(boards: Sequence[Board], tests: Sequence["pl.DataFrame"], metric: str) -> str:
    """Return the packed pairs of the data sets that fit, in the order of ``np.triu_indices``."""
    shown, room = {}, ALL
    for board, rows in zip(boards, tests, strict=True):
        if 0 < rows.height <= room:
            shown[board.dataset] = table(board, rows)
            room -= rows.height
    names = [metric, *other_metrics(metric)]
    labels = [LABELS[name] for name in names]
    return packed({"boards": shown, "families": FAMILIES, "metrics": labels}) if shown else ""


def table(board: Board, rows: "pl.DataFrame") -> dict[str, Any]:
    """Return one data set's cells with their means, and its pairs' columns as whole numbers.

    Bounds are distances from the effect, which the page takes from the means.
    """
    metrics = [board.metric, *other_metrics(board.metric)]
    effect = thousandths(rows["effect"])
    chances = ["p_holm", *(f"p_holm_{name}" for name in metrics[1:])]
    return {
        "cells": [[cell.model, cell.mode] for cell in board.cells],
        "means": [board.scores[name].mean(axis=0).tolist() for name in metrics],
        "n": len(board.questions),
        "low": (effect - thousandths(rows["effect_low"])).tolist(),
        "high": (thousandths(rows["effect_high"]) - effect).tolist(),
        "detectable": thousandths(rows["detectable"]).tolist(),
        "p": chance(rows["p"]).tolist(),
        "corrected": [chance(rows[name]).tolist() for name in chances],
        "better": (rows["verdict"] != NO_DIFFERENCE).cast(int).to_list(),
    }


def thousandths(values: "pl.Series") -> np.ndarray:
    """Return numbers in steps of 0.001, rounded as text formatting rounds them."""
    exact = values.to_numpy() * 1e3
    found = np.rint(exact).astype(np.int64)
    for tied in np.flatnonzero(np.abs(np.abs(exact - found) - 0.5) < 1e-6):
        found[tied] = round(float(f"{values[int(tied)]:.3f}") * 1000)
    return found


def chance(values: "pl.Series") -> np.ndarray:
    """Return p values in steps of 0.0001 as ``formats.probability`` shows them, 0 below 0.001."""
    exact, shown = values.to_numpy() * 1e4, 10 * thousandths(values)
    close = np.isin(shown, (100, 500)) & (exact != shown)
    away = np.where(exact < shown, np.floor(exact), np.ceil(exact)).astype(np.int64)
    return np.where(exact < BOUND, 0, np.where(close, away, shown))
