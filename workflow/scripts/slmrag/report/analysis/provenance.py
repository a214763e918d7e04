"""The provenance of the numbers as rows: config, templates, versions, digests and audits."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from slmrag.config.folder_names import entry_name
from slmrag.config.redaction import redact
from slmrag.files import read_json
from slmrag.generation.served_models import LISTS_OF_NAMES
from slmrag.prompts.template import prompt_digest
from slmrag.report.analysis.engine_records import (
    device_names,
    recorded_values,
    runs_of_model,
    served_values,
)
from slmrag.report.analysis.experiment import Cell, Experiment, resource_name
from slmrag.report.analysis.job_records import index_name

ENTRY_TABLES = ("objects", "corpora", "datasets", "retrievers", "modes", "models")
"""Tables of named entries; other tables of the config are settings."""
SHORT_DIGEST = 12
UNKNOWN_TEMPLATE = "not known: no question was asked"
Row = dict[str, Any]


def fact_row(what: str, name: str, value: str) -> Row:
    """Return one row of a table of what, name and value."""
    return {"what": what, "name": name, "value": value}


def origin_row(cell: Cell) -> Row:
    """Return the engine that made a cell's answers, and the digests of answers and questions."""
    names: Row = dict(zip(("model", "dataset", "mode"), cell.key, strict=True))
    made = {"engine": recorded_values(cell.engines, "engine"), "device": device_names(cell.engines)}
    made |= {
        "dtype": recorded_values(cell.engines, "dtype"),
        "runs": recorded_values(cell.engines, "id"),
    }
    return {**names, **made, **cell.summary.get("sources", {})}


def config_rows(config: Mapping[str, Any]) -> Iterator[Row]:
    """Yield each value of the config under the name of its entry and its key."""
    for table, value in config.items():
        entries = value.items() if table in ENTRY_TABLES else [("", value)]
        for entry, inner in entries:
            what = f"{table}.{entry}" if entry else table
            yield from (fact_row(what, key, leaf) for key, leaf in flatten(inner))


def template_rows(experiment: Experiment) -> list[Row]:
    """Return one row per use of a template: its user, path, digest and text."""
    return [
        fact_row(user, path, UNKNOWN_TEMPLATE if text is None else prompt_digest(text))
        | {"text": None if text is None else redact(text)}
        for user, path, text in template_uses(experiment)
    ]


def template_uses(experiment: Experiment) -> Iterator[tuple[str, str, str | None]]:
    """Yield user, path and text of each template: the modes', models' and the judge's."""
    modes: Mapping[str, Any] = experiment.job_records.config.get("modes", {})
    for mode, texts in experiment.mode_templates.items():
        path = modes.get(mode, {}).get("prompt", "")
        known: list[str | None] = [*texts] or [None]
        yield from ((f"modes.{mode}", path, text) for text in known)
    for user, path in experiment.templates.items():
        yield user, str(path), path.read_text(encoding="utf-8")


def template_digests(experiment: Experiment) -> dict[str, str]:
    """Return the short digest of each mode's template; all of them where there are several."""
    return {
        mode: ", ".join(prompt_digest(t)[:SHORT_DIGEST] for t in texts) or UNKNOWN_TEMPLATE
        for mode, texts in experiment.mode_templates.items()
    }


def mode_rows(experiment: Experiment) -> list[Row]:
    """Return one row a mode: its entry, its template's path and digest."""
    digests, config = template_digests(experiment), experiment.job_records.config.get("modes", {})
    return [
        {"mode": name, **entry}
        | {"template": config.get(name, {}).get("prompt"), "digest": digests[name]}
        for name, entry in experiment.modes.items()
    ]


def version_rows(experiment: Experiment) -> list[Row]:
    """Return the versions that were observed, then those that engines and indexes recorded."""
    models = list(dict.fromkeys(cell.model for cell in experiment.scored))
    engines = [fact_row("engine", model, _engines(experiment, model)) for model in models]
    served = [
        fact_row(f"endpoint's {label}", model, ", ".join(values))
        for model in models
        for name, label in LISTS_OF_NAMES.items()
        if (values := served_values(experiment, model, name))
    ]
    return [*map(dict, experiment.job_records.versions), *engines, *served, *_libraries(experiment)]


def _engines(experiment: Experiment, model: str) -> str:
    runs = runs_of_model(experiment, model)
    return ", ".join(sorted({str(r["engine"]) for r in runs if r.get("engine")})) or "not recorded"


def _libraries(experiment: Experiment) -> Iterator[Row]:
    """Yield the libraries that made each index."""
    for folder in map(Path, experiment.indexes):
        for library, version in sorted(index_facts(folder).get("versions", {}).items()):
            yield fact_row(resource_name(folder), library, version)


def index_facts(folder: Path) -> Mapping[str, Any]:
    """Return an index's index.json, empty if it is absent."""
    path = folder / "index.json"
    return read_json(path) if path.is_file() else {}


def content_rows(experiment: Experiment) -> Iterator[Row]:
    """Yield address, revision and digest of each object, checkpoint, index, adapter and data set.

    Their names include their folder, as an object and a model may have the same name.
    """
    for path in experiment.manifests:
        found = read_json(path) if path.is_file() else {}
        what = resource_name(path.with_suffix(""))
        for name in ("uri", "revision", "digest"):
            if found.get(name):
                yield fact_row(what, name, redact(str(found[name])))
    adapters = ((c.model, run.get("adapter")) for c in experiment.scored for run in c.engines)
    for model, digests in distinct_values(adapters).items():
        yield fact_row(f"models/{model}", "adapter", ", ".join(digests))
    questions = (
        (c.dataset, c.summary.get("sources", {}).get("questions")) for c in experiment.scored
    )
    for dataset, digests in distinct_values(questions).items():
        yield fact_row(f"datasets/{dataset}", "digest", ", ".join(digests))


def distinct_values(pairs: Iterable[tuple[str, str | None]]) -> dict[str, list[str]]:
    """Return the values of each name, each once, in their order; names without any are left out."""
    found: dict[str, dict[str, None]] = {}
    for name, value in pairs:
        if value:
            found.setdefault(name, {})[value] = None
    return {name: list(values) for name, values in found.items()}


def audit_rows(experiment: Experiment) -> Iterator[Row]:
    """Yield each value of the audits under its path."""
    for (kind, name), audit in experiment.audits.items():
        for path, value in flatten(audit):
            yield fact_row(f"{kind}/{name}", path, redact(value))


def index_rows(experiment: Experiment) -> list[Row]:
    """Return one row an index: its kind, passages, size in bytes and seconds to build."""
    rows = []
    for folder in map(Path, experiment.indexes):
        facts, corpus = index_facts(folder), entry_name(folder.parent.name)
        rows.append(
            {
                "corpus": corpus,
                "retriever": entry_name(folder.name),
                "kind": facts.get("built", {}).get("kind"),
                "passages": experiment.audits.get(("corpora", corpus), {}).get("passages"),
                "max_length": facts.get("reading", {}).get("longest"),
                "cut": facts.get("reading", {}).get("cut"),
                "bytes": sum(facts.get("files", {}).values()) or None,
                "seconds": experiment.job_records.index_seconds.get(index_name(folder)),
            }
        )
    return rows


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of nested mappings as texts, with the path to each."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flatten(inner, f"{path}.{name}" if path else str(name))
    else:
        yield path, json_text(value)


def json_text(value: Any) -> str:
    """Return a value as JSON; a text has no quotes unless it looks like other JSON."""
    quoted = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return quoted
    try:
        json.loads(value)
    except ValueError:
        return value
    return quoted
