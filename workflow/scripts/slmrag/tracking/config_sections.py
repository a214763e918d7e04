"""What the config says of a job's model, sampling, data set, mode and retriever, by section."""

from collections.abc import Mapping
from typing import Any

from slmrag.job.events import Event
from slmrag.job.job_info import cells_of_job

Section = dict[str, Any]

SECTIONS = {
    "Model": ("model", "models"),
    "Dataset": ("dataset", "datasets"),
    "Mode": ("mode", "modes"),
    "Retriever": ("retriever", "retrievers"),
    "Corpus": ("corpus", "corpora"),
}
"""Section -> (kind of name in wildcards and cells, table of the config)."""
OWN_ENTRIES = {("prepare_dataset", "dataset"), ("prepare_corpus", "corpus")}
"""(rule, kind) whose entry is the job's param ``entry``."""
MAX_ENTRIES = 10
"""Entries of a table that a section holds; of more it has the names only."""


def config_sections(start: Event) -> dict[str, Section]:
    """Return the config entries of a job by section, without what is not set.

    The job's own params count first: the config of the run's start is as the user wrote it.
    """
    if start["rule"] == "workflow":
        return {}
    names, found = names_of_job(start), {}
    for section, (kind, table) in SECTIONS.items():
        entries = {name: find_entry(start, kind, table, name) for name in names.get(kind, [])}
        if entries:
            found[section] = join_entries(entries)
    if models := names.get("model"):
        found |= {"Sampling": sampling_of(start, models)}
    return {section: values for section, values in found.items() if values}


def names_of_job(start: Event) -> dict[str, list[str]]:
    """Return the names of models, data sets, modes, ... that a job is about, by kind."""
    if start["rule"] == "workflow":
        return {}
    pairs = [(kind, str(name)) for kind, name in start["wildcards"].items()]
    for cell in cells_of_job(start.get("params") or {}):
        pairs += cell.items()
    return {
        kind: sorted({name for one, name in pairs if one == kind})
        for kind in dict.fromkeys(kind for kind, _ in pairs)
    }


def find_entry(start: Event, kind: str, table: str, name: str) -> Section:
    """Return a config entry without what is not set; empty if it is unknown."""
    params = start.get("params") or {}
    own = params.get("entry") if (start["rule"], kind) in OWN_ENTRIES else params.get(kind)
    written = mapping(mapping(start.get("config")).get(table)).get(name)
    entry = mapping(own if isinstance(own, Mapping) else written)
    return {key: value for key, value in entry.items() if value is not None}


def join_entries(entries: Mapping[str, Section]) -> Section:
    """Return one entry with its name, or the names and the keys of several, named after each."""
    if len(entries) == 1:
        ((name, entry),) = entries.items()
        return {"name": name, **entry}
    listed: Section = {"names": ", ".join(entries)}
    if len(entries) <= MAX_ENTRIES:
        listed |= {name: entry for name, entry in entries.items() if entry}
    return listed


def sampling_of(start: Event, models: list[str]) -> Section:
    """Return the sampling of a job's model; of several, only what the config says of all."""
    from slmrag.config.sampling import Sampling

    common = mapping((start.get("params") or {}).get("sampling"))
    common = common or mapping(mapping(start.get("config")).get("sampling"))
    if len(models) > 1 or not (common or start.get("config")):
        return {key: value for key, value in common.items() if value is not None}
    entry = find_entry(start, "model", "models", models[0])
    chosen = Sampling.of(entry, common)._asdict()
    return {key: value for key, value in chosen.items() if value not in (None, ())}


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping itself, an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}
