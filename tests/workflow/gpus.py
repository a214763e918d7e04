"""A project whose models and encoder want GPUs, and what its jobs say of those they had."""

from collections.abc import Callable
from pathlib import Path

from tests.workflow.project import Project, make_project

ONE = ("one", "two", "three", "four")
PAIR = "pair"
SHARDS = 3
ECHO = {"engine": "echo", "options": {"delay": 1.5}, "mem_mb": 1500}


def make_gpu_project(folder: Path) -> Project:
    """Write a project: four models on a GPU each, one on two, an encoding in three shards."""
    models = {name: ECHO | {"gpus": 1, "temperature": 0.1 * n} for n, name in enumerate(ONE, 1)}
    dense = {"kind": "dense", "encoder": "hashing", "depth": 4, "gpus": 1, "shards": SHARDS}
    return make_project(
        folder,
        models={"parrot": None, PAIR: ECHO | {"gpus": 2}} | models,
        retrievers={"bm25": None, "dense": dense},
        modes={"retriever_context": {"retriever": "dense"}},
    )


def on_gpus(starts: list[dict]) -> list[dict]:
    """Return the executions that asked for GPUs."""
    return [event for event in starts if event.get("resources", {}).get("gpu")]


def peak(executions: list[dict]) -> int:
    """Return the most GPUs in use at once, by the times of the jobs' events."""
    changes = [(event["time"], event["resources"]["gpu"]) for event in executions]
    changes += [(event["end"], -event["resources"]["gpu"]) for event in executions]
    counts, used = [0], 0
    for _, change in sorted(changes):
        used += change
        counts.append(used)
    return max(counts)


def shared(executions: list[dict], node: Callable[[dict], str]) -> list[tuple[str, str]]:
    """Return pairs of jobs that had the same device of the same node at the same time."""

    def name(event: dict) -> str:
        return "/".join([event["rule"], *event["wildcards"].values()])

    def devices(event: dict) -> set[tuple[str, str]]:
        return {(node(event), device) for device in event["devices"].split(",")}

    ordered = sorted(executions, key=lambda event: event["time"])
    return [
        (name(first), name(second))
        for index, first in enumerate(ordered)
        for second in ordered[index + 1 :]
        if second["time"] < first["end"] and devices(first) & devices(second)
    ]
