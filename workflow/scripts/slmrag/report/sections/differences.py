"""The section on differences: paired tests between cells, and the share of a gap that is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.pair_tests import other_metrics
from slmrag.report.analysis.pairs import EXACT, MODELS, MODES, OTHERS
from slmrag.report.analysis.score_matrix import Board
from slmrag.report.page.sections import Section
from slmrag.report.page.tables import DATASET, Column, Table, table
from slmrag.report.sections import gaps
from slmrag.report.sections.result import LABELS

if TYPE_CHECKING:
    import polars as pl

LIMIT = 1000
SIDES = {MODES: ("Model", "model", "mode"), MODELS: ("Mode", "mode", "model")}


def section(experiment: Experiment, boards: Sequence[Board], pairs: "pl.DataFrame") -> Section:
    """Return the choice of any two cells, the tables of tests, and that of closed gaps."""
    metric = experiment.primary
    test = "McNemar's exact test" if metric in EXACT else "sign-flip permutation test"
    words = [
        f"Effects are differences of mean {LABELS[metric].lower()} over the same questions, first "
        f"less second. p: {test}. Detectable: the difference that such a test would find 8 times "
        "in 10.",
        "Every two cells of a data set are tested, in three families, each corrected by itself "
        f"(Holm): {MODES}; {MODELS}; {OTHERS}. The tables hold the first two; any pair can be "
        "chosen here, and all stand in pairs.parquet.",
        "Gained, lost: questions that the first alone, the second alone answers right (the tokens "
        "of a reference stand in the answer); a click on the number lists them.",
    ]
    tables = [tests(pairs, MODES, "modes"), tests(pairs, MODELS, "models")]
    kept = [found for found in (*tables, gaps.table_of(experiment, boards)) if found.rows]
    widget = "pairs" if pairs.height else ""
    return Section("differences", "Differences", words, tables=kept, widget=widget)


def tests(pairs: "pl.DataFrame", family: str, id: str) -> Table:
    """Return the table of one family of tests."""
    label, *_ = SIDES[family]
    found = narrow(pairs, family)
    columns = [
        DATASET,
        Column("within", label),
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
        *(column for name in names(found) for column in others(name)),
        Column("n", "Questions", "count"),
    ]
    rows: Sequence[Mapping[str, Any]] = found.head(LIMIT).to_dicts()
    made = table(
        f"tests-{id}",
        f"Paired tests between {family}",
        columns,
        rows,
        "dataset",
        "within",
        "verdict",
    )
    return replace(made, source="pairs.csv", total=found.height)


def names(pairs: "pl.DataFrame") -> list[str]:
    """Return the metrics that are tested beside the primary one."""
    return [name for name in other_metrics("") if f"p_{name}" in pairs.columns]


def others(name: str) -> tuple[Column, Column]:
    """Return the columns of a further metric: effect with its interval, and corrected p value."""
    label = LABELS[name]
    help = f"p value of the difference in {label.lower()}, corrected as that of the effect"
    return (
        Column(
            f"effect_{name}",
            label,
            "difference",
            f"Difference in mean {label.lower()}",
            estimate=True,
        ),
        Column(f"p_holm_{name}", "p, corrected", "probability", help),
    )


def narrow(pairs: "pl.DataFrame", *families: str) -> "pl.DataFrame":
    """Return the rows of some families with what both cells share and how each is told apart."""
    import polars as pl

    def named(side: str, place: int) -> "pl.Expr":
        return (
            pl.when(pl.col("family") == MODES)
            .then(pl.col(f"{side}_{SIDES[MODES][place]}"))
            .otherwise(pl.col(f"{side}_{SIDES[MODELS][place]}"))
        )

    own = pairs.filter(pl.col("family").is_in(families)).with_columns(
        within=named("first", 1), first=named("first", 2), second=named("second", 2)
    )
    kept = [name for name in pairs.columns[2:] if not name.startswith(("first_", "second_"))]
    return own.select("dataset", "family", "within", "first", "second", *kept)
