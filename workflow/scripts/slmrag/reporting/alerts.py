"""What a reader should know before believing the numbers."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from slmrag.reporting import cuts
from slmrag.reporting.boards import Board
from slmrag.reporting.devices import elsewhere, idle
from slmrag.reporting.formats import NARROW, percent
from slmrag.reporting.gold_alerts import gold
from slmrag.reporting.sources import Experiment
from slmrag.reporting.unread import unread

OFTEN, SELDOM, FEW = 0.05, 0.9, 100
Rows = Sequence[dict[str, Any]]


def alerts(experiment: Experiment, rows: Rows, boards: Sequence[Board]) -> list[str]:
    """Return one sentence for each thing that is not as it should be."""
    return [sentence for test in TESTS for sentence in test(experiment, rows, boards)]


def missing(experiment: Experiment, rows: Rows, boards: Sequence[Board]) -> Iterator[str]:
    """Cells without scores."""
    lost = [row for row in rows if row["status"] != "scored"]
    if lost:
        first = lost[0]
        cell = f"{first['model']}/{first['dataset']}/{first['mode']}"
        yield f"{len(lost)} of {len(rows)} cells are missing; {cell}: {first['status']}."


def uneven(experiment: Experiment, rows: Rows, boards: Sequence[Board]) -> Iterator[str]:
    """Questions that some cells of a data set lack, or that have no number."""
    for board in boards:
        if board.left_out:
            yield (
                f"{board.dataset}: the cells differ in their questions, or scores are not numbers; "
                f"the tests compare the {len(board.questions)} questions that all have, "
                f"{board.left_out} fewer than the largest cell."
            )


def few(experiment: Experiment, rows: Rows, boards: Sequence[Board]) -> Iterator[str]:
    """Sets too small to show much."""
    for board in boards:
        if len(board.questions) < FEW:
            count = len(board.questions)
            yield f"{board.dataset}: only {count} questions show only large differences."


def forms(experiment: Experiment, rows: Rows, boards: Sequence[Board]) -> Iterator[str]:
    """Many empty answers, or such as were cut at the limit of tokens themselves."""
    for name, words in (("cut", "cut at the limit of tokens"), ("empty", "empty")):
        often = [row for row in rows if row["n"] and (row[name] or 0) / row["n"] > OFTEN]
        if often:
            worst = max(often, key=lambda row: row[name] / row["n"])
            cell = f"{worst['model']}/{worst['dataset']}/{worst['mode']}"
            yield (
                f"{len(often)} of {len(rows)} cells have more than {100 * OFTEN:.0f}{NARROW}% of "
                f"answers {words}; most in {cell}: {percent(worst[name] / worst['n'])}."
            )


def poor_oracle(experiment: Experiment, rows: Rows, boards: Sequence[Board]) -> Iterator[str]:
    """Gold passages that often lack the answer."""
    poor: dict[str, float] = {}
    for row in rows:
        found = row["has_answer"] if row["context"] == "oracle" else None
        if found is not None and found < SELDOM:
            poor[row["dataset"]] = min(found, poor.get(row["dataset"], found))
    for dataset, found in poor.items():
        yield f"{dataset}: only {percent(found)} of the oracle's prompts hold an answer."


def order(experiment: Experiment, rows: Rows, boards: Sequence[Board]) -> Iterator[str]:
    """Models that do worse with gold passages than without any."""
    context = {(r["model"], r["dataset"], r["context"]): r[experiment.primary] for r in rows}
    for (model, dataset, kind), oracle in context.items():
        none = context.get((model, dataset, "none"))
        if kind == "oracle" and None not in (none, oracle) and oracle < none:
            yield f"{model} on {dataset} does worse with gold passages than without context."


def devices(experiment: Experiment, rows: Rows, boards: Sequence[Board]) -> Iterator[str]:
    """Costs that cannot be compared because the machines or engines differ."""
    for name in ("device", "engine"):
        found = sorted({row[name] for row in rows if row[name]})
        if len(found) > 1:
            yield f"Costs are of different {name}s: {'; '.join(found)}."


TESTS: tuple[Callable[..., Iterator[str]], ...] = (
    missing,
    uneven,
    few,
    forms,
    cuts.caveats,
    cuts.judged,
    poor_oracle,
    gold,
    order,
    devices,
    idle,
    elsewhere,
    unread,
)
