"""What the report is made from: the files of each cell, found by the names of its entries."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from slmrag.files import read_json, read_metadata
from slmrag.folder_names import entry_name
from slmrag.reporting.observed import Observed

Key = tuple[str, ...]
Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Cell:
    """One model on one data set in one mode, and its files; ``problem`` says why it is missing."""

    model: str
    dataset: str
    mode: str
    scores: Path | None = None
    answers: Path | None = None
    timings: Path | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None

    @property
    def key(self) -> Key:
        """The names that identify the cell."""
        return self.model, self.dataset, self.mode

    @cached_property
    def engines(self) -> list[dict[str, Any]]:
        """The records of the engine runs that made the answers, oldest first."""
        if self.timings is None:
            return []
        return json.loads(read_metadata(self.timings).get("engines", "[]"))


@dataclass(frozen=True)
class Experiment:
    """All cells of a comparison, the entries that define them, and what is known beside them."""

    name: str
    cells: list[Cell]
    models: Entries
    datasets: Entries
    modes: Entries
    retrievers: Entries
    metrics: Mapping[str, Any]
    prompts: Mapping[Key, Path]
    questions: Mapping[Key, Path]
    retrieval: Mapping[Key, Mapping[str, Any]]
    audits: Mapping[Key, Mapping[str, Any]]
    indexes: Sequence[Path] = ()
    manifests: Sequence[Path] = ()
    grades: Sequence[Mapping[str, Any]] = ()
    sampling: Mapping[str, Any] = field(default_factory=dict)
    observed: Observed = field(default_factory=Observed)

    @property
    def primary(self) -> str:
        """The metric that the comparison is about."""
        return self.metrics.get("primary", "token_recall")

    @property
    def scored(self) -> list[Cell]:
        """The cells that have scores."""
        return [cell for cell in self.cells if cell.problem is None]


def read(input: Any, params: Any, observed: Observed | None = None) -> Experiment:
    """Read what a job was given; a cell whose files are absent or empty says so."""
    scores, summaries, answers, timings = (
        by_name(getattr(input, name), 3) for name in ("scores", "summaries", "answers", "timings")
    )
    cells = [
        cell(tuple(key), scores, summaries, answers, timings) for key in map(tuple, params.cells)
    ]
    return Experiment(
        params.experiment,
        cells,
        *(
            getattr(params, name)
            for name in ("models", "datasets", "modes", "retrievers", "metrics")
        ),
        by_name(input.prompts, 2),
        by_name(input.questions, 2, last=False),
        {key: read_json(path) for key, path in by_name(input.retrieval, 2).items()},
        {key: read_json(path) for key, path in by_name(input.audits, 3, last=False).items()},
        *([Path(path) for path in getattr(input, name, ())] for name in ("indexes", "manifests")),
        [read_json(path) for path in getattr(input, "grades", ())],
        getattr(params, "sampling", {}),
        observed or Observed(),
    )


def by_name(paths: Iterable[str | Path], parts: int, last: bool = True) -> dict[Key, Path]:
    """Return the existing files by the last ``parts`` names of their paths, the file's or not.

    ``a/b/c.json`` is found as ("b", "c") with ``last``; without it, as under ``resources/``, the
    last name is an entry's folder: ``b/c-01234567/d.json`` is found as ("b", "c").
    """
    found = (Path(path) for path in paths)
    return {
        (path.with_suffix("").parts[-parts:] if last else _entry(path.parts[-parts:-1])): path
        for path in found
        if path.is_file()
    }


def _entry(parts: Key) -> Key:
    return (*parts[:-1], entry_name(parts[-1]))


def cell(key: Key, scores: Mapping, summaries: Mapping, answers: Mapping, timings: Mapping) -> Cell:
    """Return one cell with its files."""
    summary = read_json(summaries[key]) if key in summaries and key in scores else {}
    return Cell(
        *key,
        scores.get(key),
        answers.get(key),
        timings.get(key),
        summary,
        problem(summary),
    )


def problem(summary: Mapping[str, Any]) -> str | None:
    """Return why a cell cannot be compared, or None."""
    if not summary:
        return "not scored: its score file is absent"
    return None if summary.get("n") else "no questions: its score file has no row"
