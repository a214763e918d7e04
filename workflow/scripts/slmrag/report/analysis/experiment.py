"""What the report is made from: the files of each cell, found by the names of its entries."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os.path import normpath
from pathlib import Path
from typing import Any

from slmrag.config.folder_names import entry_name
from slmrag.files import read_json, read_metadata
from slmrag.report.analysis.job_records import Observed

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
    templates: Mapping[str, Path] = field(default_factory=dict)
    observed: Observed = field(default_factory=Observed)
    below: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    """Metrics of the searches whose hits the runs fuse or rank anew."""
    prices: Entries = field(default_factory=dict)
    """What the endpoints of models charge, where the config says so."""

    @property
    def primary(self) -> str:
        """The metric that the comparison is about."""
        return self.metrics.get("primary", "token_recall")

    @cached_property
    def mode_templates(self) -> dict[str, list[str]]:
        """The template of each mode: one text, several where data sets differ in it, or none.

        The texts are those of the prompts' tables, which have none where no question was asked.
        """
        found: dict[str, list[str]] = {mode: [] for mode in self.modes}
        for (_, mode), path in self.prompts.items():
            text = first_template(path)
            if text is not None and text not in found.setdefault(mode, []):
                found[mode].append(text)
        return found

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
        paths(input, "indexes"),
        paths(input, "manifests") + paths(input, "index_manifests"),
        [read_json(path) for path in getattr(input, "grades", ())],
        getattr(params, "sampling", {}),
        templates(input, params.models),
        observed or Observed(),
        {key: read_json(path) for key, path in by_name(paths(input, "below"), 2).items()},
        getattr(params, "prices", {}),
    )


def first_template(path: Path) -> str | None:
    """Return the template that a table of prompts was made by, None where it has no row."""
    import polars as pl

    column = pl.scan_parquet(path).select("template").head(1).collect()["template"]
    return column[0] if len(column) else None


def paths(input: Any, name: str) -> list[Path]:
    """Return the files that an input's name stands for, none where the job has no such input."""
    return [Path(path) for path in getattr(input, name, ())]


def templates(input: Any, models: Entries) -> dict[str, Path]:
    """Return the files of the models' own chat templates, and of the judge's, by their user."""
    given = {normpath(path): path for path in paths(input, "chat_templates")}
    chats = {name: str(entry.get("chat_template")) for name, entry in models.items()}
    named = {f"models.{name}": normpath(path) for name, path in chats.items()}
    judge = dict(zip(("judge", "judge.model"), paths(input, "judge_templates"), strict=False))
    return {user: given[path] for user, path in named.items() if path in given} | judge


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


def place(path: Path) -> str:
    """Return kind and names of what a path below resources/ is of, as indexes/wikipedia/bm25.

    A digest behind an entry's name is left out.
    """
    parts = path.parts
    above = parts[::-1].index("resources") if "resources" in parts else 2
    kept = parts[len(parts) - above :]
    return "/".join(entry_name(part) for part in kept)


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
