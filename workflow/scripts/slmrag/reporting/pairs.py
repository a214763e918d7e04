"""Which cells differ: paired tests between modes of a model and between models in a mode."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from slmrag.reporting.boards import Board
from slmrag.statistics import constant_interval, interval
from slmrag.statistics_paired import (
    holm,
    mcnemar_exact,
    minimum_detectable_effect,
    permutation_tests,
)

MANY, FEWER = 2_000, 2_000  # beyond so many pairs an interval takes no more resamples than this
MODES, MODELS = "modes of one model", "models in one mode"
COLUMNS = (
    "dataset", "family", "within", "first", "second", "n", "effect", "effect_low", "effect_high",
    "p", "p_holm", "verdict", "detectable", "p_exact_match", "p_match",
)  # fmt: skip


class Pair(NamedTuple):
    """Two cells that differ in one thing, and what they share."""

    family: str
    within: str
    first: int
    second: int


def neighbours(board: Board) -> Iterator[Pair]:
    """Yield each two cells of a board that share the model or the mode: two families of tests."""
    for place, other in combinations(range(len(board.cells)), 2):
        one, two = board.cells[place], board.cells[other]
        if one.model == two.model:
            yield Pair(MODES, one.model, place, other)
        elif one.mode == two.mode:
            yield Pair(MODELS, one.mode, place, other)


def tests(board: Board) -> list[dict[str, Any]]:
    """Return one row a pair: effect (first less second), interval, p values and the verdict."""
    found = list(neighbours(board))
    if not found or len(board.questions) < 2:
        return []
    places = [(pair.first, pair.second) for pair in found]
    p_values = permutation_tests(board.values, places, board.resamples, board.seed)
    adjusted = by_family(found, p_values)
    resamples = board.resamples if len(found) <= MANY else min(board.resamples, FEWER)
    rows = zip(found, p_values.tolist(), adjusted, strict=True)
    return [row(board, resamples, *each) for each in rows]


def by_family(pairs: Sequence[Pair], p_values: np.ndarray) -> list[float]:
    """Adjust the p values over each family of the data set."""
    result = [1.0] * len(pairs)
    for family in (MODES, MODELS):
        own = [place for place, pair in enumerate(pairs) if pair.family == family]
        for place, value in zip(own, holm([p_values[i] for i in own]), strict=True):
            result[place] = value
    return result


def row(
    board: Board, resamples: int, pair: Pair, p_value: float, adjusted: float
) -> dict[str, Any]:
    """Return what is known of one pair."""
    named = "mode" if pair.family == MODES else "model"
    first, second = (getattr(board.cells[place], named) for place in pair[2:])
    difference = board.values[:, pair.first] - board.values[:, pair.second]
    drawn = board.means[pair.first, :resamples] - board.means[pair.second, :resamples]
    low, high = bounds(difference, drawn, board.confidence)
    n, effect, deviation = len(difference), float(difference.mean()), float(difference.std(ddof=1))
    return {
        "dataset": board.dataset,
        **{"family": pair.family, "within": pair.within, "first": first, "second": second},
        **{"n": n, "effect": effect, "effect_low": low, "effect_high": high},
        **{"p": p_value, "p_holm": adjusted},
        "verdict": verdict(effect, adjusted, 1 - board.confidence, first, second),
        "detectable": minimum_detectable_effect(deviation, n, board.confidence),
        **{f"p_{name}": exact(board, name, pair) for name in ("exact_match", "match")},
    }


def bounds(difference: np.ndarray, drawn: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the interval of a mean difference; equal answers leave the binomial's room."""
    if difference.any():
        return interval(difference, drawn, confidence)
    reach = constant_interval(0.0, len(difference), confidence)[1]
    return -reach, reach


def exact(board: Board, name: str, pair: Pair) -> float:
    """Return McNemar's p value of a 0/1 metric."""
    return mcnemar_exact(board.scores[name][:, pair.first], board.scores[name][:, pair.second])


def verdict(effect: float, adjusted: float, level: float, first: str, second: str) -> str:
    """Say in words what the test shows."""
    if adjusted >= level:
        return "no difference shown"
    return f"{first if effect > 0 else second} is better"


def standings(board: Board, rows: Sequence[Mapping[str, Any]]) -> dict[Any, str]:
    """Return each cell's place against the best model of its mode, in words."""
    if not rows:
        return {}
    columns = zip(board.cells, board.values.mean(axis=0), strict=True)
    means = {cell.key: mean for cell, mean in columns}
    modes = dict.fromkeys(cell.mode for cell in board.cells)
    best = {
        mode: max((c for c in board.cells if c.mode == mode), key=lambda c: means[c.key]).model
        for mode in modes
    }
    beaten = {
        (row["within"], loser(row))
        for row in rows
        if row["family"] == MODELS and row["verdict"] == f"{best[row['within']]} is better"
    }
    compared = {row["within"] for row in rows if row["family"] == MODELS}
    return {
        cell.key: standing(cell.mode, cell.model, best, beaten)
        for cell in board.cells
        if cell.mode in compared
    }


def standing(mode: str, model: str, best: Mapping[str, str], beaten: set[tuple[str, str]]) -> str:
    """Say how a model stands in a mode."""
    if model == best[mode]:
        return "best"
    return "worse" if (mode, model) in beaten else "not shown to be worse"


def loser(row: Mapping[str, Any]) -> str:
    """Return the name that a verdict does not call better."""
    return row["second"] if row["effect"] > 0 else row["first"]
