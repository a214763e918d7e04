"""The numbers behind "any two cells": every pair's test, rounded as shown, packed for the page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.report.analysis.pair_tests import other_metrics
from slmrag.report.analysis.pairs import FAMILIES, NO_DIFFERENCE, many
from slmrag.report.analysis.score_matrix import Board
from slmrag.report.page.packing import packed
from slmrag.report.sections.result import LABELS

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

    Bounds are distances from the effect, which the page takes from the means; what could be
    detected is -1 where it is not known. Among many pairs
    the further metrics have their corrected p values alone.
    """
    metrics = [board.metric, *other_metrics(board.metric)]
    suffixes = ["", *(f"_{name}" for name in metrics[1:])]
    whole = suffixes[:1] if many(board) else suffixes
    effects = [thousandths(rows[f"effect{name}"]) for name in whole]
    lows, highs = (
        [thousandths(rows[f"effect{name}_{end}"]) for name in whole] for end in ("low", "high")
    )
    return {
        "cells": [[cell.model, cell.mode] for cell in board.cells],
        "means": [board.scores[name].mean(axis=0).tolist() for name in metrics],
        "n": len(board.questions),
        "low": [(mid - low).tolist() for mid, low in zip(effects, lows, strict=True)],
        "high": [(high - mid).tolist() for mid, high in zip(effects, highs, strict=True)],
        "detectable": [
            thousandths(rows[f"detectable{name}"].fill_null(-0.001)).tolist() for name in whole
        ],
        "p": [chance(rows[f"p{name}"]).tolist() for name in whole],
        "corrected": [chance(rows[f"p_holm{name}"]).tolist() for name in suffixes],
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
