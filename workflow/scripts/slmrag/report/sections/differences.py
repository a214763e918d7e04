"""The section on differences: paired tests between cells, and the share of a gap that is closed."""

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
from slmrag.report.page.labels import COMPARED_MODES, METRIC_LABELS
from slmrag.report.page.tables import CELL_COLUMNS, DATASET, Column, Section, Table, make_table

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 1000


def differences_section(
    experiment: Experiment, matrices: Sequence[ScoreMatrix], pairs: "pl.DataFrame"
) -> Section:
    """Return the choice of any two cells, the tables of tests, and that of closed gaps."""
    metric = experiment.primary
    test = "McNemar's exact test" if metric in BINARY_METRICS else "sign-flip permutation test"
    intro = [
        f"Effects are differences of mean {METRIC_LABELS[metric].lower()} over the same "
        f"questions, first less second. p: {test}. Detectable: the difference that such a test "
        "would find 8 times in 10.",
        "Every two cells of a data set are tested, in three families, each corrected by itself "
        f"(Holm): {'; '.join(FAMILIES)}. The tables hold the first two; any pair can be chosen "
        "here, and all stand in pairs.parquet.",
        "Gained, lost: questions that the first alone, the second alone answers right (the tokens "
        "of a reference stand in the answer); a click on the number lists them.",
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
        Column(
            "effect", "Effect", "difference", "Mean of first less mean of second", estimate=True
        ),
        Column("p", "p", "probability"),
        Column("p_holm", "p, corrected", "probability"),
        Column("verdict", "Verdict"),
        Column("gained", "Gained", "count", "Questions that the first alone answers right"),
        Column("lost", "Lost", "count", "Questions that the second alone answers right"),
        Column("detectable", "Detectable", "share"),
        *(column for name in others for column in other_metric_columns(name)),
        Column("n", "Questions", "count"),
    ]
    rows = found.head(MOST_ROWS).to_dicts()
    caption, filters = f"Paired tests between {family}", ("dataset", "within", "verdict")
    table = make_table(f"tests-{id}", caption, columns, rows, *filters)
    return replace(table, source="pairs.csv", total=found.height)


def other_metric_columns(name: str) -> tuple[Column, Column]:
    """Return the columns of a further metric: effect with its interval, and corrected p value."""
    label = METRIC_LABELS[name]
    effect = f"Difference in mean {label.lower()}"
    p = f"p value of the difference in {label.lower()}, corrected as that of the effect"
    return (
        Column(f"effect_{name}", label, "difference", effect, estimate=True),
        Column(f"p_holm_{name}", "p, corrected", "probability", p),
    )


def gaps_table(experiment: Experiment, matrices: Sequence[ScoreMatrix]) -> Table:
    """Return the table of the gaps that retrievers close."""
    columns = [
        *CELL_COLUMNS,
        Column("none_mode", "Without"),
        Column("oracle_mode", "With gold passages"),
        Column("none", "No context", "share"),
        Column("retriever", "Retriever", "share"),
        Column("oracle", "Oracle", "share"),
        Column("closed", "Gap closed", "percent", "(retriever - none) / (oracle - none)", True),
        Column("remark", "Remark"),
    ]
    caption = "Share of the oracle's gain over no context that each retriever closes"
    rows = gap_rows(experiment, matrices)
    return make_table("gaps", caption, columns, rows, "dataset", "model", note=COMPARED_MODES)
