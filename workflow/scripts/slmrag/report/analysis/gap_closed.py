"""The oracle gap: the share of the oracle's gain over no context that each retriever closes."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from slmrag.report.analysis.compared_modes import compared_modes
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.pair_intervals import effect_interval
from slmrag.report.analysis.score_matrix import ScoreMatrix

NOT_DEFINED = "not defined: the oracle's gain may be zero"


def gap_rows(experiment: Experiment, matrices: Sequence[ScoreMatrix]) -> list[dict[str, Any]]:
    """Return one row a model, retriever mode and pair of modes without context and with oracle."""
    return [
        {"dataset": matrix.dataset, "model": model, "mode": mode, **row}
        for matrix in matrices
        if len(matrix.questions) > 1
        for model in dict.fromkeys(cell.model for cell in matrix.cells)
        for mode, entry in experiment.modes.items()
        if entry["context"] == "retriever" and matrix.column(model, mode) is not None
        for row in rows_of_mode(matrix, experiment, model, mode)
    ]


def rows_of_mode(
    matrix: ScoreMatrix, experiment: Experiment, model: str, mode: str
) -> Iterator[dict[str, Any]]:
    """Yield one row for each pair of ends that a retriever mode of a model is compared with."""
    own = {cell.mode: column for column, cell in enumerate(matrix.cells) if cell.model == model}
    ends = (compared_modes(experiment, mode, context, own) for context in ("none", "oracle"))
    for none, oracle in product(*ends):
        found = gap_closed(matrix, own[none], own[oracle], own[mode])
        yield {"none_mode": none, "oracle_mode": oracle, **found}


def gap_closed(matrix: ScoreMatrix, none: int, oracle: int, retriever: int) -> dict[str, Any]:
    """Return (retriever - none) / (oracle - none) of three columns, and its percentile interval.

    The interval is of paired resamples. Not defined where that of oracle - none includes 0.
    """
    means = matrix.means_of(matrix.metric)
    columns = {"none": none, "retriever": retriever, "oracle": oracle}
    row = {name: float(means[column]) for name, column in columns.items()}
    gain = matrix.values[:, oracle] - matrix.values[:, none]
    gains = matrix.resampled_means[oracle] - matrix.resampled_means[none]
    low, high = effect_interval(gain, gains, matrix.confidence)
    if low <= 0 <= high:
        return row | {"closed": None, "remark": NOT_DEFINED}
    tails = (1 - matrix.confidence) / 2
    closed = matrix.resampled_means[retriever] - matrix.resampled_means[none]
    shares = closed / np.where(gains == 0, np.nan, gains)
    low, high = np.nanquantile(shares, [tails, 1 - tails])
    value = (means[retriever] - means[none]) / (means[oracle] - means[none])
    return row | {"closed": float(value), "closed_low": float(low), "closed_high": float(high)}
