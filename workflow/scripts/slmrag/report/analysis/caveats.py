"""The numbers of the caveats: which problems there are, and the worst cell of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from slmrag.report.analysis.compared_modes import compared_modes
from slmrag.report.analysis.engine_records import is_endpoint
from slmrag.report.analysis.experiment import Cell, Experiment

MANY_FAILURES = 0.05  # share of a cell's answers above which a type of failure is a caveat
FEW_ORACLE_ANSWERS = 0.9  # share of an oracle's prompts with an answer; less is a caveat
FEW_QUESTIONS = 100
MANY_PUNCTUATED = 0.05  # share of a cell's answers with punctuation beyond ASCII; more is a caveat
FEW_SHARED_LETTERS = 0.1  # share of letters in common scripts; below it, searches find little
NON_ASCII_PUNCTUATION = r"[\p{P}&&[^\x00-\x7f]]"
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class WorstCell:
    """How many of all cells have a count above a share, and the cell with the largest share."""

    affected: int
    cells: int
    name: str
    count: int
    n: int
    row: Mapping[str, Any]

    @property
    def share(self) -> float:
        """The worst cell's count as a share of its questions."""
        return self.count / self.n


class OracleBelowNone(NamedTuple):
    """A model that does worse with gold passages than without context, and the two modes."""

    model: str
    dataset: str
    oracle: str
    none: str


def worst_cell(rows: Rows, column: str, above: float = 0.0) -> WorstCell | None:
    """Return where a count of questions is the largest share of a cell, None where none has any."""
    found = [row for row in rows if row["n"] and (row[column] or 0) / row["n"] > above]
    if not found:
        return None
    worst = max(found, key=lambda row: row[column] / row["n"])
    name = f"{worst['model']}/{worst['dataset']}/{worst['mode']}"
    return WorstCell(len(found), len(rows), name, worst[column], worst["n"], worst)


def poor_oracles(rows: Rows) -> Iterator[tuple[str, str, float, float]]:
    """Yield data set and oracle mode whose prompts often lack the answer; least and most share."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row["context"] == "oracle" and row["has_answer"] is not None:
            found.setdefault((row["dataset"], row["mode"]), []).append(row["has_answer"])
    for (dataset, mode), shares in found.items():
        if min(shares) < FEW_ORACLE_ANSWERS:
            yield dataset, mode, min(shares), max(shares)


def oracles_below_none(experiment: Experiment, rows: Rows) -> Iterator[OracleBelowNone]:
    """Yield each model that scores less with gold passages than without context."""
    means = {(r["model"], r["dataset"], r["mode"]): r[experiment.primary] for r in rows}
    scored = {key: mean for key, mean in means.items() if mean is not None}
    for (model, dataset, mode), mean in scored.items():
        if experiment.modes.get(mode, {}).get("context") != "oracle":
            continue
        among = [key[2] for key in scored if key[:2] == (model, dataset)]
        for none in compared_modes(experiment, mode, "none", among):
            if mean < scored[model, dataset, none]:
                yield OracleBelowNone(model, dataset, mode, none)


def prompts_cut_by_endpoint(experiment: Experiment) -> Iterator[tuple[str, int, int]]:
    """Yield cell, count and total of prompts for which an endpoint counts fewer tokens than words.

    A prompt has no fewer tokens than words, so the endpoint did not read all of it.
    """
    import polars as pl

    words = pl.col("prompt").str.count_matches(r"\S+")
    fewer = (pl.col("prompt_tokens") < words).sum()
    for cell in experiment.scored:
        if cell.answers is not None and any(map(is_endpoint, cell.engines)):
            cut, total = pl.scan_parquet(cell.answers).select(fewer, pl.len()).collect().row(0)
            if cut:
                yield cell.name, cut, total


def punctuated_answers(experiment: Experiment) -> list[tuple[str, int, int]]:
    """Return cell, count and total of answers with punctuation beyond ASCII, if they are many.

    SQuAD's normalization keeps such punctuation, so no reference equals these answers. Of each
    data set the cell with the largest share is returned.
    """
    worst: dict[str, tuple[float, tuple[str, int, int]]] = {}
    for cell in experiment.scored:
        odd, total = count_punctuated(cell)
        share = odd / total if total else 0.0
        if share > max(MANY_PUNCTUATED, worst.get(cell.dataset, (0.0,))[0]):
            worst[cell.dataset] = share, (cell.name, odd, total)
    return [found for _, found in worst.values()]


def count_punctuated(cell: Cell) -> tuple[int, int]:
    """Return how many answers of a cell have punctuation beyond ASCII, and how many there are."""
    import polars as pl

    if cell.answers is None:
        return 0, 0
    odd = pl.col("answer").str.contains(NON_ASCII_PUNCTUATION).sum()
    return pl.scan_parquet(cell.answers).select(odd, pl.len()).collect().row(0)


def scripts_differ(asked: Mapping[str, float], searched: Mapping[str, float]) -> bool:
    """Return whether questions and passages, by the shares of their scripts, hardly overlap."""
    shared = sum(min(share, searched.get(name, 0)) for name, share in asked.items())
    return bool(asked and searched) and shared < FEW_SHARED_LETTERS
