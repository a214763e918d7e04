"""The table of all pairs of a data set: names, effects, p values and verdicts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slmrag.report.analysis.pair_intervals import effect_intervals
from slmrag.report.analysis.pairs import (
    FAMILIES,
    MODELS_IN_A_MODE,
    MODES_OF_A_MODEL,
    NO_DIFFERENCE,
    Pairs,
    find_pairs,
)
from slmrag.report.analysis.score_matrix import TESTED_METRICS, ScoreMatrix, nameless_score_matrix
from slmrag.scoring.paired_tests import minimum_detectable_effect

if TYPE_CHECKING:
    import polars as pl

NAMES_OF_FAMILY = {MODES_OF_A_MODEL: ("model", "mode"), MODELS_IN_A_MODE: ("mode", "model")}
"""By family: the name that both cells of a pair share, and the name that differs."""


def pair_table(matrix: ScoreMatrix) -> "pl.DataFrame":
    """Return one row a pair: names, effect with its interval, p values, verdict, detectable."""
    import polars as pl

    pairs = find_pairs(matrix)
    rows = pl.DataFrame(
        {
            "family": pl.Series(FAMILIES, dtype=pl.String).gather(pairs.family),
            **name_columns(pairs),
            "n": np.full(len(pairs.columns), len(matrix.questions), dtype=np.int64),
            **correct_alone(pairs),
            **metric_columns(pairs, matrix.metric),
            **other_metric_columns(pairs),
        }
    )
    return rows.select(
        pl.lit(matrix.dataset).alias("dataset"),
        *rows.columns[: rows.columns.index("detectable")],
        verdict_column(1 - matrix.confidence),
        *rows.columns[rows.columns.index("detectable") :],
    )


def name_columns(pairs: Pairs) -> "dict[str, pl.Series]":
    """Return the columns that name both cells of each pair."""
    import polars as pl

    found = {}
    for side, own in zip(("first", "second"), pairs.columns.T, strict=True):
        for name in ("model", "mode"):
            labels = [getattr(cell, name) for cell in pairs.matrix.cells]
            found[f"{side}_{name}"] = pl.Series(labels, dtype=pl.String).gather(own)
    return found


def correct_alone(pairs: Pairs) -> dict[str, np.ndarray]:
    """Return how many questions the first alone, and the second alone, answers correctly, (m,)."""
    correct = pairs.matrix.correct.astype(float)
    both, sums = (correct.T @ correct)[*pairs.columns.T], correct.sum(axis=0)
    first, second = (sums[own] - both for own in pairs.columns.T)
    return {"gained": first.astype(np.int64), "lost": second.astype(np.int64)}


def metric_columns(
    pairs: Pairs, metric: str, suffix: str = ""
) -> "dict[str, np.ndarray | pl.Series]":
    """Return a metric's columns: effect, interval, p values, and minimum detectable effect."""
    import polars as pl

    matrix, p_values = pairs.matrix, pairs.p_values(metric)
    low, high = effect_intervals(pairs, metric)
    detectable = minimum_detectable_effect(
        pairs.deviation(metric), len(matrix.questions), matrix.confidence
    )
    return {
        f"effect{suffix}": pairs.effect(metric),
        f"effect{suffix}_low": low,
        f"effect{suffix}_high": high,
        f"p{suffix}": p_values,
        f"p_holm{suffix}": pairs.corrected(p_values),
        f"detectable{suffix}": pl.Series(detectable, nan_to_null=True),
    }


def pair_effect(values: np.ndarray, metric: str, settings: Mapping[str, Any]) -> dict[str, float]:
    """Return effect, interval and p value of two columns of scores, (n, 2), of a metric.

    ``settings`` are the config's ``metrics``. One question alone has an effect, but no test.
    """
    if len(values) < 2:
        return {"effect": float(np.subtract(*values.mean(axis=0)))}
    columns = metric_columns(
        find_pairs(nameless_score_matrix({metric: values}, metric, settings)), metric
    )
    return {name: float(columns[name][0]) for name in ("effect", "effect_low", "effect_high", "p")}


def other_metric_columns(pairs: Pairs) -> "dict[str, np.ndarray | pl.Series]":
    """Return the columns of each further metric."""
    columns: dict[str, np.ndarray | pl.Series] = {}
    for metric in other_metrics(pairs.matrix.metric):
        columns |= metric_columns(pairs, metric, f"_{metric}")
    return columns


def other_metrics(primary: str) -> Sequence[str]:
    """Return the metrics that are tested beside the primary one."""
    return [name for name in TESTED_METRICS if name != primary]


def verdict_column(level: float) -> "pl.Expr":
    """Return the column of verdicts: what the primary metric's corrected test shows."""
    import polars as pl

    first, second = (
        pl.when(pl.col("family") == MODES_OF_A_MODEL)
        .then(f"{side}_mode")
        .when(pl.col("family") == MODELS_IN_A_MODE)
        .then(f"{side}_model")
        .otherwise(pl.format("{} with {}", f"{side}_model", f"{side}_mode"))
        for side in ("first", "second")
    )
    better = pl.format("{} is better", pl.when(pl.col("effect") > 0).then(first).otherwise(second))
    shown = pl.when(pl.col("p_holm") < level).then(better).otherwise(pl.lit(NO_DIFFERENCE))
    return shown.alias("verdict")


def pairs_of_families(pairs: "pl.DataFrame", *families: str) -> "pl.DataFrame":
    """Return the rows of some of the first two families, named by what differs in each pair.

    ``within`` is the name that both cells share, ``first`` and ``second`` are their other names.
    """
    import polars as pl

    def named(side: str, place: int) -> "pl.Expr":
        return (
            pl.when(pl.col("family") == MODES_OF_A_MODEL)
            .then(pl.col(f"{side}_{NAMES_OF_FAMILY[MODES_OF_A_MODEL][place]}"))
            .otherwise(pl.col(f"{side}_{NAMES_OF_FAMILY[MODELS_IN_A_MODE][place]}"))
        )

    own = pairs.filter(pl.col("family").is_in(families)).with_columns(
        within=named("first", 0), first=named("first", 1), second=named("second", 1)
    )
    kept = [name for name in pairs.columns[2:] if not name.startswith(("first_", "second_"))]
    return own.select("dataset", "family", "within", "first", "second", *kept)


def vs_best_in_mode(matrix: ScoreMatrix, pairs: "pl.DataFrame") -> dict[tuple[str, str, str], str]:
    """Return how each cell compares with the best model of its mode, if there are several models.

    It is "best", "worse" (the corrected test shows it) or "not shown to be worse".
    """
    import polars as pl

    found = pairs.filter(pl.col("family") == MODELS_IN_A_MODE)
    if not found.height:
        return {}
    best = best_models(matrix, found["first_mode"].unique().to_list())
    worse = worse_than_best(found, best)
    words = {True: "worse", False: "not shown to be worse"}
    return {
        cell.key: "best"
        if cell.model == best[cell.mode]
        else words[(cell.mode, cell.model) in worse]
        for cell in matrix.cells
        if cell.mode in best
    }


def best_models(matrix: ScoreMatrix, modes: Sequence[str]) -> dict[str, str]:
    """Return the model with the highest mean of the primary metric in each mode."""
    means = matrix.means_of(matrix.metric).tolist()
    cells = list(zip(means, matrix.cells, strict=True))
    return {
        mode: max((own for own in cells if own[1].mode == mode), key=lambda own: own[0])[1].model
        for mode in modes
    }


def worse_than_best(pairs: "pl.DataFrame", best: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return the mode and model of each cell that is shown to be worse than its mode's best."""
    import polars as pl

    ahead = pl.col("effect") > 0
    first, second = pl.col("first_model"), pl.col("second_model")
    shown = pairs.filter(pl.col("verdict") != NO_DIFFERENCE).select(
        mode="first_mode",
        winner=pl.when(ahead).then(first).otherwise(second),
        loser=pl.when(ahead).then(second).otherwise(first),
    )
    return {(mode, loser) for mode, winner, loser in shown.iter_rows() if winner == best[mode]}
