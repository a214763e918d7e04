"""How each cell stands against the best model of its mode, in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slmrag.report.analysis.pairs import MODELS, NO_DIFFERENCE
from slmrag.report.analysis.score_matrix import Board

if TYPE_CHECKING:
    import polars as pl


def standings(board: Board, tests: "pl.DataFrame") -> dict[Any, str]:
    """Return the place of each cell whose mode has more than one model."""
    import polars as pl

    found = tests.filter(pl.col("family") == MODELS)
    if not found.height:
        return {}
    values = board.values.mean(axis=0).tolist()
    means = {cell.key: value for cell, value in zip(board.cells, values, strict=True)}
    best = {
        mode: max((c for c in board.cells if c.mode == mode), key=lambda c: means[c.key]).model
        for mode in found["first_mode"].unique().to_list()
    }
    beaten = losers(found, best)
    return {
        cell.key: standing(cell.mode, cell.model, best, beaten)
        for cell in board.cells
        if cell.mode in best
    }


def losers(found: "pl.DataFrame", best: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return the mode and model of each cell that is shown to be worse than its mode's best."""
    import polars as pl

    ahead = pl.col("effect") > 0
    first, second = pl.col("first_model"), pl.col("second_model")
    shown = found.filter(pl.col("verdict") != NO_DIFFERENCE).select(
        mode="first_mode",
        winner=pl.when(ahead).then(first).otherwise(second),
        loser=pl.when(ahead).then(second).otherwise(first),
    )
    return {(mode, loser) for mode, winner, loser in shown.iter_rows() if winner == best[mode]}


def standing(mode: str, model: str, best: Mapping[str, str], beaten: set[tuple[str, str]]) -> str:
    """Say how a model stands in a mode."""
    if model == best[mode]:
        return "best"
    return "worse" if (mode, model) in beaten else "not shown to be worse"
