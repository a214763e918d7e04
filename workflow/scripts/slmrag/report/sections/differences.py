"""The section on differences: paired tests between cells, and the oracle gap closed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.gap_closed import gap_rows
from slmrag.report.analysis.pair_tests import other_metrics, pairs_of_families
from slmrag.report.analysis.pairs import (
    BINARY_METRICS,
    FAMILIES,
    MODELS_IN_A_MODE,
    MODES_OF_A_MODEL,
)
from slmrag.report.analysis.score_matrix import ScoreMatrix
from slmrag.report.page.labels import COMPARED_MODES_NOTE, METRIC_LABELS, metric_phrase
from slmrag.report.page.tables import CELL_COLUMNS, DATASET, Column, Section, Table, make_table
from slmrag.scoring.paired_tests import POWER

if TYPE_CHECKING:
    import polars as pl

MAX_TABLE_ROWS = 1000
GAP_FORMULA = "(retriever \u2212 none) / (oracle \u2212 none)"


def differences_section(
    experiment: Experiment, matrices: Sequence[ScoreMatrix], pairs: "pl.DataFrame"
) -> Section:
    """Return the choice of any two cells, the tables of tests, and that of the gaps closed."""
    metric = experiment.primary
    test = "McNemar's exact test" if metric in BINARY_METRICS else "sign-flip permutation test"
    intro = [
        f"Effect: mean difference in {metric_phrase(metric)} over the same questions "
        f"(first minus second). p: {test}. Minimum detectable effect: the smallest difference that "
        f"this test finds with {POWER:.0%} power.",
        f"All pairs of cells of a data set are tested, in three families: {'; '.join(FAMILIES)}. "
        "p values are corrected within each family (Holm). The tables show the first two families; "
        "below, you can choose any pair. pairs.parquet has all pairs.",
        "Gained: questions that only the first answers correctly. Lost: questions that only the "
        "second answers correctly. An answer is correct if it contains the tokens of a reference. "
        "Click a number to list its questions.",
    ]
    tables = [
        tests_table(pairs, MODES_OF_A_MODEL, "modes", "Model"),
        tests_table(pairs, MODELS_IN_A_MODE, "models", "Mode"),
        gaps_table(experiment, matrices),
    ]
    kept = [table for table in tables if table.rows]
    widget = "pairs" if pairs.height else ""
    return Section("differences", "Differences", intro, tables=kept, widget=widget)


def tests_table(pairs: "pl.DataFrame", family: str, id: str, within: str) -> Table:
    """Return the table of one family of tests; ``within`` heads what both cells share."""
    found = pairs_of_families(pairs, family)
    others = [name for name in other_metrics("") if f"p_{name}" in found.columns]
    columns = [
        DATASET,
        Column("within", within),
        Column("first", "First"),
        Column("second", "Second"),
        Column("effect", "Effect", "difference", "First minus second", estimate=True),
        Column("p", "p", "probability"),
        Column("p_holm", "p, corrected", "probability"),
        Column("verdict", "Verdict"),
        Column("gained", "Gained", "count", "Questions that only the first answers correctly"),
        Column("lost", "Lost", "count", "Questions that only the second answers correctly"),
        Column("detectable", "Minimum detectable effect", "share"),
        *(column for name in others for column in other_metric_columns(name)),
        Column("n", "Questions", "count"),
    ]
    rows = found.head(MAX_TABLE_ROWS).to_dicts()
    caption, filters = f"Paired tests: {family}", ("dataset", "within", "verdict")
    table = make_table(f"tests-{id}", caption, columns, rows, *filters)
    return replace(table, source="pairs.csv", total=found.height)


def other_metric_columns(name: str) -> tuple[Column, Column]:
    """Return the columns of a further metric: effect with its interval, and corrected p value."""
    label, phrase = METRIC_LABELS[name], metric_phrase(name)
    effect = f"Mean difference in {phrase}, first minus second"
    p = f"p value of the difference in {phrase}, corrected within the family"
    return (
        Column(f"effect_{name}", label, "difference", effect, estimate=True),
        Column(f"p_holm_{name}", "p, corrected", "probability", p),
    )


def gaps_table(experiment: Experiment, matrices: Sequence[ScoreMatrix]) -> Table:
    """Return the table of the gaps that retrievers close."""
    columns = [
        *CELL_COLUMNS,
        Column("none_mode", "Mode without context"),
        Column("oracle_mode", "Mode with oracle"),
        Column("none", "Without context", "share"),
        Column("retriever", "With retriever", "share"),
        Column("oracle", "With oracle", "share"),
        Column("closed", "Gap closed", "percent", GAP_FORMULA, estimate=True),
        Column("remark", "Remark"),
    ]
    caption = "Share of the gap between no context and oracle that each retriever closes"
    rows = gap_rows(experiment, matrices)
    return make_table("gaps", caption, columns, rows, "dataset", "model", note=COMPARED_MODES_NOTE)
