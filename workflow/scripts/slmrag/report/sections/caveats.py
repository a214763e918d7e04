"""What a reader should know before believing the numbers."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from slmrag.report.analysis import served_models
from slmrag.report.analysis.compared_modes import ends
from slmrag.report.analysis.devices import elsewhere, idle
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.score_matrix import Board
from slmrag.report.page.formats import NARROW, percent
from slmrag.report.sections import language_caveats, refused_prompts, truncated_prompts
from slmrag.report.sections.gold_caveats import gold
from slmrag.report.sections.unread_text import unread

OFTEN, SELDOM, FEW = 0.05, 0.9, 100
FORMS = {
    "cut": "cut at the limit of tokens",
    "unfinished": "lost in a reasoning that never ended",
    "empty": "empty",
}
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
    """Many answers that are empty, unfinished, or cut at the limit of tokens themselves."""
    for name, words in FORMS.items():
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
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row["context"] == "oracle" and row["has_answer"] is not None:
            found.setdefault((row["dataset"], row["mode"]), []).append(row["has_answer"])
    for (dataset, mode), shares in found.items():
        if min(shares) < SELDOM:
            least, most = percent(min(shares)), percent(max(shares))
            words = least if least == most else f"{least} to {most}"
            yield f"{dataset}: only {words} of the prompts of {mode} hold an answer."


def order(experiment: Experiment, rows: Rows, boards: Sequence[Board]) -> Iterator[str]:
    """Models that do worse with gold passages than without any."""
    means = {(r["model"], r["dataset"], r["mode"]): r[experiment.primary] for r in rows}
    scored = {key: mean for key, mean in means.items() if mean is not None}
    for (model, dataset, mode), oracle in scored.items():
        among = [key[2] for key in scored if key[:2] == (model, dataset)]
        if experiment.modes.get(mode, {}).get("context") == "oracle":
            for none in ends(experiment, mode, "none", among):
                if oracle < scored[model, dataset, none]:
                    words = f"with gold passages ({mode}) than without context ({none})"
                    yield f"{model} on {dataset} does worse {words}."


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
    language_caveats.questions,
    language_caveats.answers,
    language_caveats.searches,
    forms,
    refused_prompts.caveats,
    refused_prompts.judged,
    truncated_prompts.caveats,
    truncated_prompts.judged,
    poor_oracle,
    gold,
    order,
    devices,
    idle,
    elsewhere,
    served_models.caveats,
    unread,
)
