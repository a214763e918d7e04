"""The primary metric by the number of passages that a mode chooses for its prompts."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slmrag.report.analysis.compared_modes import WORDS, ends, rest
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.tables import DATASET, MODEL, Column, Rows, Table, table
from slmrag.report.sections.result import LABELS
from slmrag.report.sections.templates import digests


def counts(experiment: Experiment, rows: Rows) -> Table:
    """Return a row a data set, retriever, model, template and mode without context.

    It has a column for each number of passages, 0 for the mode without.
    """
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    known: set[int] = set()
    for cells in by_model(rows):
        for row in cells.values():
            if row["context"] == "retriever" and row["passages"]:
                for names, base in held(experiment, row, cells):
                    lines = found.setdefault(tuple(names.values()), [])
                    put(lines, names, experiment.primary, row, base)
                    known |= {row["passages"], *([0] if base else [])}
    columns = [
        DATASET,
        Column("retriever", "Retriever"),
        MODEL,
        Column("variant", "Template"),
        Column("base", "Without"),
        *(Column(f"passages_{n}", str(n), "share", estimate=True) for n in sorted(known)),
    ]
    lines = [line for own in found.values() for line in own]
    caption = f"{LABELS[experiment.primary]} by the number of passages that were chosen"
    note = f"{WORDS} {CUT}" if any(row["shortened"] for row in rows) else WORDS
    filters = ("dataset", "retriever", "model")
    return table("passages", caption, columns, lines, *filters, note=note)


CUT = "Some prompts were cut and held fewer; the section on retrieval says how many stood in them."


def by_model(rows: Rows) -> Iterable[dict[str, Mapping[str, Any]]]:
    """Return the cells, by mode, of each model and data set."""
    found: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["dataset"], row["model"]), {})[row["mode"]] = row
    return found.values()


def held(
    experiment: Experiment, row: Mapping[str, Any], cells: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    """Yield what names the row of a cell, with the cell of each mode that it is held against."""
    among = [mode for mode, one in cells.items() if one[experiment.primary] is not None]
    variant = label(experiment, row["mode"])
    names = {name: row[name] for name in ("dataset", "retriever", "model")} | {"variant": variant}
    for base in ends(experiment, row["mode"], "none", among) or [None]:
        yield names | {"base": base}, cells.get(base, {})


def label(experiment: Experiment, mode: str) -> str:
    """Return what tells a mode from another of its retriever and number of passages."""
    told = experiment.observed.config.get("modes", {}).get(mode, {}).get("prompt")
    more = [f"{key}: {value}" for key, value in rest(experiment, mode).items()]
    digest = digests(experiment)[mode]
    return ", ".join([f"{told} ({digest})" if told else digest, *more])


def put(
    lines: list[dict[str, Any]],
    names: Mapping[str, Any],
    metric: str,
    row: Mapping[str, Any],
    base: Mapping[str, Any],
) -> None:
    """Put a cell into the first of its names' lines with room for it; equal modes get one each."""
    own = estimate(metric, row, row["passages"])
    line = next((line for line in lines if not own.keys() & line.keys()), None)
    if line is None:
        line = {**names, **(estimate(metric, base, 0) if base else {})}
        lines.append(line)
    line |= own


def estimate(metric: str, row: Mapping[str, Any], passages: int) -> dict[str, Any]:
    """Return a cell's mean and interval under the names of its number of passages."""
    return {f"passages_{passages}{end}": row.get(metric + end) for end in ("", "_low", "_high")}
