"""Where each number comes from: entries, files, digests, versions, and what data was left out."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from slmrag.files import read_json
from slmrag.folder_names import entry_name
from slmrag.redaction import clean, clean_text
from slmrag.reporting.devices import devices
from slmrag.reporting.observed import index_name
from slmrag.reporting.sections import Section
from slmrag.reporting.sources import Cell, Experiment
from slmrag.reporting.tables import DATASET, MODE, MODEL, Column, table

PLAIN = [Column("what", "What"), Column("name", "Name"), Column("value", "Value", long=True)]


def section(experiment: Experiment, manifests: Iterable[str | Path]) -> Section:
    """Return the tables of cells' origins, of digests, of entries and of the data's audit."""
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
        table("files", "Raw objects and checkpoints", PLAIN, list(contents(manifests))),
        table("entries", "The config's entries", PLAIN, list(entries(experiment))),
        table("audit", "Audit of the data", PLAIN, list(audits(experiment))),
    ]
    return Section("provenance", "Provenance", tables=[found for found in tables if found.rows])


def origin(cell: Cell) -> dict[str, Any]:
    """Return what made a cell's answers, and their digest."""

    def named(name: str) -> str | None:
        found = dict.fromkeys(str(r[name]) for r in cell.engines if r.get(name))
        return ", ".join(found) or None

    sources = cell.summary.get("sources", {})
    names = dict(zip(("model", "dataset", "mode"), cell.key, strict=True))
    made = {"engine": named("engine"), "device": devices(cell.engines)}
    return names | made | {"dtype": named("dtype"), "runs": named("id"), **sources}


def contents(manifests: Iterable[str | Path]) -> Iterator[dict[str, str]]:
    """Yield the address, revision and digest of each object and checkpoint."""
    for path in map(Path, manifests):
        found = read_json(path) if path.is_file() else {}
        what = entry_name(path.stem)
        for name in ("uri", "revision", "digest"):
            if found.get(name):
                yield {"what": what, "name": name, "value": clean_text(str(found[name]))}


def entries(experiment: Experiment) -> Iterator[dict[str, str]]:
    """Yield each entry of the config as JSON."""
    for what in ("models", "datasets", "modes", "retrievers"):
        for name, entry in getattr(experiment, what).items():
            yield {"what": what, "name": name, "value": json.dumps(clean(entry), sort_keys=True)}
    for what in ("sampling", "metrics"):
        value = json.dumps(dict(getattr(experiment, what)), sort_keys=True)
        yield {"what": what, "name": "", "value": value}


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
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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
