"""The input of the report: the files of each cell, found by the names of its entries."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os.path import normpath
from pathlib import Path
from typing import Any

from slmrag.config.folder_names import entry_name
from slmrag.files import read_json, read_metadata
from slmrag.report.analysis.job_records import JobRecords

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
    def key(self) -> tuple[str, str, str]:
        """The names that identify the cell."""
        return self.model, self.dataset, self.mode

    @property
    def name(self) -> str:
        """The names as model/dataset/mode."""
        return "/".join(self.key)

    @cached_property
    def engines(self) -> list[dict[str, Any]]:
        """The records of the engine runs that made the answers, oldest first."""
        if self.timings is None:
            return []
        records: list[dict[str, Any]] = json.loads(read_metadata(self.timings).get("engines", "[]"))
        return records


@dataclass(frozen=True)
class Experiment:
    """All cells of a comparison, the entries that define them, and further facts."""

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
    job_records: JobRecords = field(default_factory=JobRecords)
    component_retrieval: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    """Metrics of the searches whose hits other retrievers fuse or rerank."""
    prices: Entries = field(default_factory=dict)
    """The prices of models at endpoints, where the config has them."""

    @property
    def primary(self) -> str:
        """The metric that the comparison is about."""
        return str(self.metrics.get("primary", "token_recall"))

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
    def searches(self) -> dict[Key, Mapping[str, Any]]:
        """Metrics of all searches, by data set and retriever."""
        return {**self.retrieval, **self.component_retrieval}

    @property
    def scored(self) -> list[Cell]:
        """The cells that have scores."""
        return [cell for cell in self.cells if cell.problem is None]


def read_experiment(input: Any, params: Any, job_records: JobRecords | None = None) -> Experiment:
    """Read the files of a job's input; a cell without files or rows says so."""
    return Experiment(
        name=params.experiment,
        cells=read_cells(input, params.cells),
        models=params.models,
        datasets=params.datasets,
        modes=params.modes,
        retrievers=params.retrievers,
        metrics=params.metrics,
        prompts=files_by_name(input.prompts, 2),
        questions=files_by_name(input.questions, 2, last=False),
        retrieval=_contents(files_by_name(input.retrieval, 2)),
        audits=_contents(files_by_name(input.audits, 3, last=False)),
        indexes=input_files(input, "indexes"),
        manifests=input_files(input, "manifests") + input_files(input, "index_manifests"),
        grades=[read_json(path) for path in getattr(input, "grades", ())],
        sampling=getattr(params, "sampling", {}),
        templates=template_files(input, params.models),
        job_records=job_records or JobRecords(),
        component_retrieval=_contents(files_by_name(input_files(input, "below"), 2)),
        prices=getattr(params, "prices", {}),
    )


def read_cells(input: Any, keys: Iterable[Sequence[str]]) -> list[Cell]:
    """Return the planned cells with those of their files that exist."""
    kinds = ("scores", "summaries", "answers", "timings")
    scores, summaries, answers, timings = (files_by_name(getattr(input, k), 3) for k in kinds)
    cells = []
    for model, dataset, mode in keys:
        key = (model, dataset, mode)
        summary = read_json(summaries[key]) if key in summaries and key in scores else {}
        score, answer, timing = (own.get(key) for own in (scores, answers, timings))
        cells.append(Cell(*key, score, answer, timing, summary, find_problem(summary)))
    return cells


def _contents(files: Mapping[Key, Path]) -> dict[Key, Any]:
    return {key: read_json(path) for key, path in files.items()}


def first_template(path: Path) -> str | None:
    """Return the template that a table of prompts was made by, None where it has no row."""
    import polars as pl

    column = pl.scan_parquet(path).select("template").head(1).collect()["template"]
    return column[0] if len(column) else None


def input_files(input: Any, name: str) -> list[Path]:
    """Return the files that an input's name stands for, none where the job has no such input."""
    return [Path(path) for path in getattr(input, name, ())]


def template_files(input: Any, models: Entries) -> dict[str, Path]:
    """Return the files of the models' chat templates, and of the judge's template, by user."""
    given = {normpath(path): path for path in input_files(input, "chat_templates")}
    chats = {name: str(entry.get("chat_template")) for name, entry in models.items()}
    named = {f"models.{name}": normpath(path) for name, path in chats.items()}
    judge = dict(zip(("judge", "judge.model"), input_files(input, "judge_templates"), strict=False))
    return {user: given[path] for user, path in named.items() if path in given} | judge


def files_by_name(paths: Iterable[str | Path], parts: int, last: bool = True) -> dict[Key, Path]:
    """Return the existing files by the last ``parts`` names of their paths.

    ``a/b/c.json`` is found as ("b", "c") with ``last``; without it, as under ``resources/``, the
    last name is an entry's folder: ``b/c-01234567/d.json`` is found as ("b", "c").
    """

    def key(path: Path) -> Key:
        if last:
            return path.with_suffix("").parts[-parts:]
        *kinds, folder = path.parts[-parts:-1]
        return (*kinds, entry_name(folder))

    return {key(path): path for path in map(Path, paths) if path.is_file()}


def resource_name(path: Path) -> str:
    """Return kind and names of a path below resources/ without digests: indexes/wikipedia/bm25."""
    parts = path.parts
    above = parts[::-1].index("resources") if "resources" in parts else 2
    kept = parts[len(parts) - above :]
    return "/".join(entry_name(part) for part in kept)


def find_problem(summary: Mapping[str, Any]) -> str | None:
    """Return why a cell cannot be compared, or None."""
    if not summary:
        return "not scored: its score file is absent"
    return None if summary.get("n") else "no questions: its score file has no row"


def rows_of_questions(
    path: Path | None, ids: Sequence[str], columns: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Return a table's rows of the given questions in their order; empty ones where it has none.

    Columns that an older table lacks are left out.
    """
    import polars as pl

    if path is None:
        return [{} for _ in ids]
    table = pl.scan_parquet(path)
    known = [name for name in table.collect_schema() if columns is None or name in columns]
    wanted = pl.Series(ids, dtype=pl.String).implode()  # a bare list makes Polars 5 times as slow
    table = table.select(known).filter(pl.col("question_id").is_in(wanted))
    rows = {row["question_id"]: row for row in table.collect().to_dicts()}
    return [rows.get(id, {}) for id in ids]
