"""The devices that engines ran on, and those that stood idle beside them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.retriever_facts import retrievers

Record = Mapping[str, Any]
ELSEWHERE = "an endpoint's device is its own, and nothing of it is known here"


def device(record: Record) -> str | None:
    """Return what an engine ran on: the GPU's name or the CPU's; None for an endpoint's."""
    if record.get("device") == "endpoint":
        return None
    chip = record.get("cpu_name")
    return record.get("gpu_name") or (f"cpu ({chip})" if chip else record.get("device"))


def devices(records: Sequence[Record]) -> str | None:
    """Return the devices of several runs, each once; None where none is known."""
    return ", ".join(dict.fromkeys(filter(None, map(device, records)))) or None


def idle(experiment: Experiment, rows: Any, boards: Any) -> Iterator[str]:
    """Say which models, encoders and rerankers ran on the CPU of a machine that shows a GPU."""
    said = dict.fromkeys(
        (cell.model, record["gpu_unused"])
        for cell in experiment.cells
        for record in cell.engines
        if record.get("gpu_unused")
    )
    told = ((name, facts.get("gpu_unused")) for name, _, facts in retrievers(experiment))
    for name, sentence in dict.fromkeys([*said, *told]):
        if sentence:
            yield f"{name}: {sentence}."


def elsewhere(experiment: Experiment, rows: Any, boards: Any) -> Iterator[str]:
    """Say for which models there is no device to be named, and why."""
    models = dict.fromkeys(
        cell.model
        for cell in experiment.cells
        if any(record.get("device") == "endpoint" for record in cell.engines)
    )
    if models:
        yield f"No device is named for {', '.join(models)}: {ELSEWHERE}."
