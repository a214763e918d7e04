"""The table of all pairs of a data set: names, effects, p values and verdicts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from slmrag.report.analysis.pair_intervals import effect_intervals
from slmrag.report.analysis.pairs import FAMILIES, MODELS, MODES, NO_DIFFERENCE, Pairs, pairs
from slmrag.report.analysis.score_matrix import TESTED, Board
from slmrag.scoring.paired_tests import minimum_detectable_effect

if TYPE_CHECKING:
    import polars as pl


def tests(board: Board) -> "pl.DataFrame":
    """Return one row a pair: names, effect with its interval, p values, verdict, detectable."""
    import polars as pl

    found = pairs(board)
    rows = pl.DataFrame(
        {
            "family": pl.Series(FAMILIES, dtype=pl.String).gather(found.family),
            **names(board, found.places),
            "n": np.full(len(found.places), len(board.questions), dtype=np.int64),
            **alone(found),
            **tested(found, board.metric),
            **others(found),
        }
    )
    return rows.select(
        pl.lit(board.dataset).alias("dataset"),
        *rows.columns[: rows.columns.index("detectable")],
        verdict(1 - board.confidence),
        *rows.columns[rows.columns.index("detectable") :],
    )


def names(board: Board, places: np.ndarray) -> "dict[str, pl.Series]":
    """Return the columns that name both cells of each pair."""
    import polars as pl

    found = {}
    for side, own in zip(("first", "second"), places.T, strict=True):
        for name in ("model", "mode"):
            labels = pl.Series([getattr(cell, name) for cell in board.cells], dtype=pl.String)
            found[f"{side}_{name}"] = labels.gather(own)
    return found


def alone(found: Pairs) -> dict[str, np.ndarray]:
    """Return on how many questions the first alone is right, and the second alone, (m,) each."""
    right = found.board.right.astype(float)
    both, sums = (right.T @ right)[*found.places.T], right.sum(axis=0)
    first, second = (sums[own] - both for own in found.places.T)
    return {"gained": first.astype(np.int64), "lost": second.astype(np.int64)}


def tested(found: Pairs, metric: str, suffix: str = "") -> "dict[str, np.ndarray | pl.Series]":
    """Return a metric's columns: effect, its interval, p values, and what could be detected."""
    import polars as pl

    board, p_values = found.board, found.p_values(metric)
    low, high = effect_intervals(found, metric)
    detectable = minimum_detectable_effect(
        found.deviation(metric), len(board.questions), board.confidence
    )
    return {
        f"effect{suffix}": found.effect(metric),
        f"effect{suffix}_low": low,
        f"effect{suffix}_high": high,
        f"p{suffix}": p_values,
        f"p_holm{suffix}": found.corrected(p_values),
        f"detectable{suffix}": pl.Series(detectable, nan_to_null=True),
    }


def others(found: Pairs) -> dict[str, np.ndarray]:
    """Return the columns of each further metric."""
    columns = {}
    for metric in other_metrics(found.board.metric):
        columns |= tested(found, metric, f"_{metric}")
    return columns


def other_metrics(primary: str) -> Sequence[str]:
    """Return the metrics that are tested beside the primary one."""
    return [name for name in TESTED if name != primary]


def verdict(level: float) -> "pl.Expr":
    """Say in words what the primary metric's corrected test shows."""
    import polars as pl

    first, second = (
        pl.when(pl.col("family") == MODES)
        .then(f"{side}_mode")
        .when(pl.col("family") == MODELS)
        .then(f"{side}_model")
        .otherwise(pl.format("{} with {}", f"{side}_model", f"{side}_mode"))
        for side in ("first", "second")
    )
    better = pl.format("{} is better", pl.when(pl.col("effect") > 0).then(first).otherwise(second))
    shown = pl.when(pl.col("p_holm") < level).then(better).otherwise(pl.lit(NO_DIFFERENCE))
    return shown.alias("verdict")
