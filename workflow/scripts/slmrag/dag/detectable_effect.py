"""The minimum detectable effect of a comparison, estimated before it runs."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slmrag.errors import UserError

if TYPE_CHECKING:
    import polars as pl

ASSUMED_DEVIATION = 0.5
"""The standard deviation of differences if nothing is known: one cell is right and the other wrong
on a quarter of the questions."""

EXAMPLE_QUESTION_COUNTS = (100, 300, 1000, 3000)


@dataclass(frozen=True)
class PowerSettings:
    """Metric, confidence level and data sets of an estimate."""

    metric: str
    confidence: float
    limits: Mapping[str, int | None]
    """How many questions the config takes of each data set at most."""
    tables: Mapping[str, str]
    """The path of each data set's prepared questions, which may not be there yet."""
    scores: Path
    """The folder of the experiment's scores, which may not be there yet either."""


def describe_effects(wanted: PowerSettings) -> str:
    """Return a line per data set: its questions and the minimum detectable effect.

    That is the difference in the primary metric that a paired test finds 8 times in 10, at the
    config's level, before the correction for several tests. UserError if polars is missing.
    """
    try:
        import polars  # noqa: F401
    except ImportError:
        raise UserError("power needs polars and numpy; make .venv/ready has them") from None
    return "\n".join(
        [
            f"the smallest difference in {wanted.metric} that a paired test finds 8 times "
            f"in 10 at {wanted.confidence:.0%}, before the correction for several tests:",
            *(f"  {_dataset_line(wanted, name)}" for name in wanted.tables),
        ]
    )


def _dataset_line(wanted: PowerSettings, dataset: str) -> str:
    from slmrag.scoring.paired_tests import minimum_detectable_effect

    spreads = difference_deviations(wanted, dataset)
    low, high, source = spreads or (
        ASSUMED_DEVIATION,
        ASSUMED_DEVIATION,
        f"assumed: differences' deviation {ASSUMED_DEVIATION}",
    )
    n, size = question_count(wanted.limits[dataset], wanted.tables[dataset])

    def effect(count: int) -> str:
        ends = [minimum_detectable_effect(d, count, wanted.confidence) for d in (low, high)]
        texts = [f"{end:.3f}" for end in ends]
        return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"

    if n is not None:
        return f"{dataset}: {effect(n)} with {size} ({source})"
    each = ", ".join(f"{effect(count)} with {count:,}" for count in EXAMPLE_QUESTION_COUNTS)
    return f"{dataset}: {each}; {size} ({source})"


def question_count(limit: int | None, table: str) -> tuple[int | None, str]:
    """Return how many questions a data set has (None: not known), and how that is known."""
    import polars as pl

    if os.path.isfile(table):
        n = pl.scan_parquet(table).select(pl.len()).collect().item()
        return n, f"{n:,} questions, as prepared"
    if limit is not None:
        return limit, f"{limit:,} questions, its limit"
    return None, "how many questions it has is known once it is prepared"


def difference_deviations(wanted: PowerSettings, dataset: str) -> tuple[float, float, str] | None:
    """Return the median and the largest deviation of two cells' differences in an earlier run.

    Pairs that differ on no question show no spread and are left out. None where this experiment
    has no other two cells of the data set with the same questions.
    """
    import numpy as np

    from slmrag.scoring.paired_tests import NO_SPREAD, difference_sums

    tables = list(_scores(wanted, dataset))
    found = [table for table in tables if table["question_id"].equals(tables[0]["question_id"])]
    if len(found) < 2 or len(found[0]) < 2:
        return None
    values = np.stack([table[wanted.metric].to_numpy() for table in found], axis=1)
    values = values.astype(float)
    first, second = np.triu_indices(len(found), k=1)
    sums, squares = difference_sums(values, first, second)
    n = len(values)
    deviations = np.sqrt(np.maximum(squares - sums**2 / n, 0) / (n - 1))
    deviations = deviations[deviations > NO_SPREAD]
    if not len(deviations):
        return None
    source = f"spread of {len(found)} cells that this experiment scored: median to largest"
    return float(np.median(deviations)), float(deviations.max()), source


def _scores(wanted: PowerSettings, dataset: str) -> "Iterator[pl.DataFrame]":
    """Yield the primary metric of each cell that was scored, by question."""
    import polars as pl

    for table in sorted(wanted.scores.glob(f"*/{dataset}/*.parquet")):
        scores = pl.read_parquet(table, columns=["question_id", wanted.metric])
        yield scores.sort("question_id")
