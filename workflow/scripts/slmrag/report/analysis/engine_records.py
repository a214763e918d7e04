"""Facts that engines, indexes and searches recorded: devices, served models, limits."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from slmrag.files import read_json
from slmrag.generation.served_models import listed_names
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.job_records import index_name

Record = Mapping[str, Any]


def is_endpoint(record: Record) -> bool:
    """Tell whether an engine run sent its prompts to an endpoint."""
    return record.get("device") == "endpoint"


def device_name(record: Record) -> str | None:
    """Return the device of an engine run: the GPU's name or the CPU's; None for an endpoint."""
    if is_endpoint(record):
        return None
    cpu = record.get("cpu_name")
    return record.get("gpu_name") or (f"cpu ({cpu})" if cpu else record.get("device"))


def device_names(records: Sequence[Record]) -> str | None:
    """Return the distinct devices of several runs; None where none is known."""
    return ", ".join(dict.fromkeys(filter(None, map(device_name, records)))) or None


def recorded_values(records: Sequence[Record], name: str) -> str | None:
    """Return the distinct values that several runs recorded under a name; None without any."""
    return ", ".join(dict.fromkeys(str(r[name]) for r in records if r.get(name))) or None


def endpoint_models(experiment: Experiment) -> list[str]:
    """Return the models that were asked at an endpoint."""
    cells = (cell for cell in experiment.cells if any(map(is_endpoint, cell.engines)))
    return list(dict.fromkeys(cell.model for cell in cells))


def unused_gpus(experiment: Experiment) -> list[tuple[str, str]]:
    """Return each model and retriever that ran on the CPU beside a GPU, with the reason."""
    engines = [
        (cell.model, record.get("gpu_unused"))
        for cell in experiment.cells
        for record in cell.engines
    ]
    facts = [(name, own.get("gpu_unused")) for name, _, own in retriever_facts(experiment)]
    return [(name, why) for name, why in dict.fromkeys([*engines, *facts]) if why]


def retriever_facts(experiment: Experiment) -> Iterator[tuple[str, str, Record]]:
    """Yield the retriever, its corpus or data set, and the facts of each index and search."""
    for folder in map(Path, experiment.indexes):
        path = folder / "index.json"
        if path.is_file():
            corpus, retriever = index_name(folder).split("/")
            yield retriever, corpus, read_json(path)
    for (dataset, retriever), found in experiment.searches.items():
        yield retriever, dataset, found.get("facts") or {}


def runs_of_model(experiment: Experiment, model: str) -> list[Record]:
    """Return the records of the engine runs behind a model's scored answers."""
    return [run for cell in experiment.scored if cell.model == model for run in cell.engines]


def served_values(experiment: Experiment, model: str, name: str) -> list[str]:
    """Return what the endpoint said of a model under a name (ids, fingerprints), sorted."""
    return listed_names(runs_of_model(experiment, model), name)
