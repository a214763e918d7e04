"""The data of the widget for any two cells: every pair's test, rounded and packed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slmrag.report.analysis.pair_tests import other_metrics
from slmrag.report.analysis.pairs import FAMILIES, NO_DIFFERENCE, has_many_pairs
from slmrag.report.analysis.score_matrix import ScoreMatrix
from slmrag.report.page.formats import to_probability_steps, to_thousandths
from slmrag.report.page.labels import METRIC_LABELS
from slmrag.report.page.page import pack_json

if TYPE_CHECKING:
    import polars as pl

MAX_PAIRS = 600_000  # on a page; more would make it slow to load


def pack_pairs(
    matrices: Sequence[ScoreMatrix], tests: Sequence["pl.DataFrame"], metric: str
) -> str:
    """Return the packed pairs of the data sets that fit, in the order of ``np.triu_indices``."""
    shown, room = {}, MAX_PAIRS
    for matrix, rows in zip(matrices, tests, strict=True):
        if 0 < rows.height <= room:
            shown[matrix.dataset] = pack_matrix(matrix, rows)
            room -= rows.height
    labels = [METRIC_LABELS[name] for name in (metric, *other_metrics(metric))]
    if not shown:
        return ""
    return pack_json({"datasets": shown, "families": FAMILIES, "metrics": labels})


def pack_matrix(matrix: ScoreMatrix, rows: "pl.DataFrame") -> dict[str, Any]:
    """Return one data set's cells with their means, and its pairs' columns as integers.

    Bounds are distances from the effect, which the page computes from the means. The minimum
    detectable effect is -1 where it is unknown. If there are many pairs, the other metrics have
    only their corrected p values.
    """
    metrics = [matrix.metric, *other_metrics(matrix.metric)]
    suffixes = ["", *(f"_{name}" for name in metrics[1:])]
    whole = suffixes[:1] if has_many_pairs(matrix) else suffixes
    effects = [to_thousandths(rows[f"effect{name}"]) for name in whole]
    lows, highs = (
        [to_thousandths(rows[f"effect{name}_{end}"]) for name in whole] for end in ("low", "high")
    )
    return {
        "cells": [[cell.model, cell.mode] for cell in matrix.cells],
        "means": [matrix.means_of(name).tolist() for name in metrics],
        "n": len(matrix.questions),
        "low": [(mid - low).tolist() for mid, low in zip(effects, lows, strict=True)],
        "high": [(high - mid).tolist() for mid, high in zip(effects, highs, strict=True)],
        "detectable": [
            to_thousandths(rows[f"detectable{name}"].fill_null(-0.001)).tolist() for name in whole
        ],
        "p": [to_probability_steps(rows[f"p{name}"]).tolist() for name in whole],
        "corrected": [to_probability_steps(rows[f"p_holm{name}"]).tolist() for name in suffixes],
        "better": (rows["verdict"] != NO_DIFFERENCE).cast(int).to_list(),
    }
