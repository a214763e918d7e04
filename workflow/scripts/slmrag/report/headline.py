"""The outcome of a comparison in a few lines of Markdown, for a tracker."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slmrag.report.analysis.comparison import ranked_cells, unique_values
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.pair_tests import pairs_of_families
from slmrag.report.analysis.pairs import MODELS_IN_A_MODE, MODES_OF_A_MODEL, NO_DIFFERENCE
from slmrag.report.page.formats import format_count, format_decimal, format_probability, is_missing
from slmrag.report.page.labels import metric_phrase
from slmrag.report.page.tables import Section
from slmrag.report.tracked_tables import UNKNOWN, cost_text, estimate_text, peak_text

if TYPE_CHECKING:
    import polars as pl

Row = Mapping[str, Any]
Rows = Sequence[Row]
MAX_DATASETS, MAX_NAMES = 10, 3
NOT_WORSE = "not shown to be worse"


def headline(
    experiment: Experiment, rows: Rows, pairs: "pl.DataFrame", sections: Sequence[Section]
) -> str:
    """Return the best cell of each data set, what it costs, and what is missing or doubtful."""
    datasets = unique_values(rows, "dataset")
    lines = [f"- {dataset_line(experiment, rows, pairs, d)}" for d in datasets[:MAX_DATASETS]]
    if left := len(datasets) - len(lines):
        lines.append(f"- {left} more data sets are in the report.")
    closing = [*closing_sentences(rows, sections), *tests_sentence(pairs)]
    return "\n".join([*lines, "", *closing])


def dataset_line(experiment: Experiment, rows: Rows, pairs: "pl.DataFrame", dataset: str) -> str:
    """Return the best model and mode of a data set, compared with the second."""
    metric = experiment.primary
    ranked = ranked_cells(rows, metric, dataset)
    if not ranked:
        return f"**{dataset}**: no cell has scores."
    best, *others = ranked
    without = "" if best["context"] == "oracle" else " (oracle excluded)"
    sentences = [
        f"**{dataset}**: best {metric_phrase(metric)}{without} is "
        f"**{estimate_text(best, metric)}**, n = {best['n']}, by {cell_name(best)}.",
        *(second_sentence(metric, best, second, pairs) for second in others[:1]),
        *not_worse_sentence(best, ranked),
        costs_sentence(best),
    ]
    return " ".join(sentences)


def cell_name(row: Row) -> str:
    """Return a cell's model and mode."""
    return f"`{row['model']}` with `{row['mode']}`"


def second_sentence(metric: str, best: Row, second: Row, pairs: "pl.DataFrame") -> str:
    """Return the second cell, and what the paired test of both shows."""
    place = "Equal" if second[metric] == best[metric] else "Second"
    shown = f"{place}: {estimate_text(second, metric)}, by {cell_name(second)}"
    found = find_test(best, second, pairs)
    if found is None:
        return f"{shown}; the two were not tested."
    p = format_probability(found["p_holm"])
    p = p if p.startswith("<") else f"= {p}"
    return f"{shown}; paired test (Holm's correction): {found['verdict']}, p {p}."


def find_test(one: Row, other: Row, pairs: "pl.DataFrame") -> Row | None:
    """Return the test of two cells of a data set, in either order."""
    import polars as pl

    names = [f"{side}_{name}" for side in ("first", "second") for name in ("model", "mode")]
    cells = [(row["model"], row["mode"]) for row in (one, other)]
    for order in (cells, cells[::-1]):
        wanted = zip(names, [name for cell in order for name in cell], strict=True)
        own = pairs.filter(pl.col("dataset") == one["dataset"], **dict(wanted))
        if own.height:
            return own.row(0, named=True)
    return None


def not_worse_sentence(best: Row, ranked: Rows) -> Iterator[str]:
    """Yield which models are not shown to be worse than the best one in its mode, if any."""
    names = [
        f"`{row['model']}`"
        for row in ranked
        if row["mode"] == best["mode"] and row["standing"] == NOT_WORSE
    ]
    if names:
        more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
        yield f"In its mode {NOT_WORSE}: {', '.join(names[:MAX_NAMES])}{more}."


def costs_sentence(row: Row) -> str:
    """Return a cell's peak memory, rate, and cost or energy; each may be unknown."""
    rate = row["tokens_per_second"]
    number, _, kind = peak_text(row).partition(" ")
    peak = f"{number} GB {kind}" if kind else number
    speed = UNKNOWN if is_missing(rate) else format_decimal(rate)
    return f"Peak memory: {peak}; tokens/s: {speed}; {spent_words(row)}."


def spent_words(row: Row) -> str:
    """Return a cell's cost in money, or else its energy."""
    if not is_missing(row["cost"]):
        return f"cost: {cost_text(row)}"
    if not is_missing(row["energy_per_1000"]):
        return f"energy: {format_count(row['energy_per_1000'])} J per 1,000 questions"
    return f"cost and energy: {UNKNOWN}"


def closing_sentences(rows: Rows, sections: Sequence[Section]) -> Iterator[str]:
    """Yield how many cells lack scores, and how many caveats and alerts the page has."""
    lost = [row for row in rows if row["status"] != "scored"]
    if lost:
        first = lost[0]
        name = f"{first['model']}/{first['dataset']}/{first['mode']}"
        yield f"{len(lost)} of {len(rows)} cells have no scores; {name}: {first['status']}."
    else:
        yield f"All {len(rows)} cells are scored."
    caveats = [section for section in sections if section.id == "alerts"]
    notices = sum(len(section.notices) for section in caveats)
    alerts = sum(len(table.rows) for section in caveats for table in section.tables)
    yield f"Caveats in the report: {notices}; alerts of jobs: {alerts}."


def tests_sentence(pairs: "pl.DataFrame") -> Iterator[str]:
    """Yield how many tests of the page's two families show a difference."""
    found = pairs_of_families(pairs, MODES_OF_A_MODEL, MODELS_IN_A_MODE)
    if found.height:
        shown = found.filter(found["verdict"] != NO_DIFFERENCE).height
        families = f"{MODES_OF_A_MODEL}, and {MODELS_IN_A_MODE}"
        yield f"Paired tests ({families}) that show a difference: {shown} of {found.height}."
