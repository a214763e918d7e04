"""Where each number comes from: config, templates, files, versions, and what data was left out."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slmrag.config.folder_names import entry_name
from slmrag.config.redaction import clean_text
from slmrag.files import read_json
from slmrag.report import saved_config
from slmrag.report.analysis import software
from slmrag.report.analysis.devices import devices
from slmrag.report.analysis.experiment import Cell, Experiment, place
from slmrag.report.analysis.job_records import index_name
from slmrag.report.page.sections import Section
from slmrag.report.page.tables import DATASET, MODE, MODEL, Column, table
from slmrag.report.sections import templates

PLAIN = [Column("what", "What"), Column("name", "Name"), Column("value", "Value", long=True)]


def section(experiment: Experiment) -> Section:
    """Return the tables of cells' origins, config, templates, versions, digests and audit."""
    columns = [
        MODEL,
        DATASET,
        MODE,
        Column("engine", "Engine"),
        Column("device", "Device"),
        Column("dtype", "dtype"),
        Column("runs", "Engine runs"),
        Column("answers", "SHA-256 of answers"),
        Column("questions", "SHA-256 of questions"),
    ]
    origins = [origin(cell) for cell in experiment.scored]
    tables = [
        table("origins", "What made each cell", columns, origins, "model", "dataset", "mode"),
        table("config", "The whole config", PLAIN, list(settings(experiment.observed.config))),
        templates.table_of(experiment),
        table("versions", "Code, engines and libraries", PLAIN, software.rows(experiment)),
        table("contents", "Objects, checkpoints, indexes", PLAIN, list(contents(experiment))),
        table("audit", "Audit of the data", PLAIN, list(audits(experiment))),
    ]
    kept = [found for found in tables if found.rows]
    saved = saved_config.text(experiment) if experiment.observed.config else ""
    return Section("provenance", "Provenance", tables=kept, config=saved)


def origin(cell: Cell) -> dict[str, Any]:
    """Return what made a cell's answers, and their digest."""

    def named(name: str) -> str | None:
        found = dict.fromkeys(str(r[name]) for r in cell.engines if r.get(name))
        return ", ".join(found) or None

    sources = cell.summary.get("sources", {})
    names = dict(zip(("model", "dataset", "mode"), cell.key, strict=True))
    made = {"engine": named("engine"), "device": devices(cell.engines)}
    return names | made | {"dtype": named("dtype"), "runs": named("id"), **sources}


def contents(experiment: Experiment) -> Iterator[dict[str, str]]:
    """Yield address, revision and digest of each object, checkpoint, index, adapter and data set.

    They are named by their folder too: an object and a model may have one name.
    """
    for path in experiment.manifests:
        found = read_json(path) if path.is_file() else {}
        what = place(path.with_suffix(""))
        for name in ("uri", "revision", "digest"):
            if found.get(name):
                yield {"what": what, "name": name, "value": clean_text(str(found[name]))}
    for model, digests in adapters(experiment).items():
        yield {"what": f"models/{model}", "name": "adapter", "value": ", ".join(digests)}
    for dataset, digests in questions(experiment).items():
        yield {"what": f"datasets/{dataset}", "name": "digest", "value": ", ".join(digests)}


def adapters(experiment: Experiment) -> dict[str, list[str]]:
    """Return the digests of the adapters that each model's engines ran with."""
    found: dict[str, list[str]] = {}
    for cell in experiment.scored:
        for digest in filter(None, (run.get("adapter") for run in cell.engines)):
            if digest not in found.setdefault(cell.model, []):
                found[cell.model].append(digest)
    return found


def questions(experiment: Experiment) -> dict[str, list[str]]:
    """Return the digests of each data set's questions: one, unless its cells differ in them."""
    found: dict[str, list[str]] = {}
    for cell in experiment.scored:
        digest = cell.summary.get("sources", {}).get("questions")
        if digest and digest not in found.setdefault(cell.dataset, []):
            found[cell.dataset].append(digest)
    return found


def settings(config: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield each value of the config under the name of its entry and its key."""
    for part, value in config.items():
        named = value.items() if part in saved_config.ENTRIES else [("", value)]
        for entry, inner in named:
            what = f"{part}.{entry}" if entry else part
            for key, leaf in flat(inner):
                yield {"what": what, "name": key, "value": leaf}


def audits(experiment: Experiment) -> Iterator[dict[str, str]]:
    """Yield each value of the audits under its path."""
    for (kind, name), audit in experiment.audits.items():
        for path, value in flat(audit):
            yield {"what": f"{kind}/{name}", "name": path, "value": clean_text(value)}


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of nested mappings with the path to each."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flat(inner, f"{path}.{name}" if path else str(name))
    else:
        yield path, plain(value)


def plain(value: Any) -> str:
    """Return a value as text; JSON, but a text that can be taken for nothing else stands bare."""
    quoted = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return quoted
    try:
        json.loads(value)
    except ValueError:
        return value
    return quoted


def indexes(experiment: Experiment) -> list[dict[str, Any]]:
    """Return one row an index: its kind, passages, size and how long it took to build."""
    rows = []
    for folder in map(Path, experiment.indexes):
        path, corpus = folder / "index.json", entry_name(folder.parent.name)
        about = read_json(path) if path.is_file() else {}
        rows.append(
            {
                "corpus": corpus,
                "retriever": entry_name(folder.name),
                "kind": about.get("built", {}).get("kind"),
                "passages": experiment.audits.get(("corpora", corpus), {}).get("passages"),
                "max_length": about.get("reading", {}).get("longest"),
                "cut": about.get("reading", {}).get("cut"),
                "bytes": sum(about.get("files", {}).values()) or None,
                "seconds": experiment.observed.index_seconds.get(index_name(folder)),
            }
        )
    return rows
