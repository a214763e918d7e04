"""The file of a cluster's partitions, read before Slurm's plugin does: each mistake by its key."""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from slmrag.config.yaml_files import read
from slmrag.errors import UserError, nearest

CLUSTER = ("cluster", "clusters", "slurm_cluster")
TABLE = "write `name: {max_gpu: 0}`, a table of limits by the partition's name"


def files(arguments: Sequence[str]) -> list[str]:
    """Return the file of partitions that a command line of Snakemake's names, if it does.

    Snakemake does not tell before the run what the plugin's options are, so its own parser is asked
    once more, where a profile or Slurm is spoken of.
    """
    from snakemake.cli import parse_args

    spoken = [*arguments, *filter(os.environ.get, ["SNAKEMAKE_PROFILE"])]
    if not any("profile" in word.lower() or "slurm" in word for word in spoken):
        return []
    with suppress(SystemExit), redirect_stderr(io.StringIO()):
        _, found = parse_args(list(arguments))
        option, variable = (
            found.slurm_partition_config,
            os.environ.get("SNAKEMAKE_SLURM_PARTITIONS"),
        )
        path = option if isinstance(option, str | Path) else variable
        if found.executor == "slurm" and path and os.path.isfile(path):
            return [os.path.relpath(path)]
    return []


def check(path: str | Path) -> None:
    """Raise UserError with file, key and nearest right key for all that the plugin cannot read."""
    found = [f"{path}: {mistake}" for mistake in mistakes(read(path))]
    if found:
        raise UserError("\n".join(found))


def mistakes(table: dict[Any, Any]) -> Iterator[str]:
    """Yield a sentence for each mistake in a file's table."""
    for key in table.keys() - {"partitions"}:
        yield f"{key}: unknown key{nearest(key, ['partitions'])}"
    partitions = table.get("partitions")
    if not isinstance(partitions, dict) or not partitions:
        yield f"partitions: missing or no table; {TABLE}"
        return
    for name, limits in partitions.items():
        if not isinstance(name, str) or not isinstance(limits, dict):
            yield f"partitions.{name}: no name with a table; {TABLE}"
            continue
        for key, value in limits.items():
            trouble = wrong(key, value)
            if trouble:
                yield f"partitions.{name}.{key}: {trouble}"


def wrong(key: Any, value: Any) -> str | None:
    """Return what is wrong with one limit of a partition, or None."""
    from snakemake_executor_plugin_slurm.partitions import PartitionLimits

    kinds = {field.name: field.type for field in fields(PartitionLimits)}
    if key in CLUSTER:
        return None if isinstance(value, str) else f"no name (given: {value!r})"
    if key not in kinds:
        known = [*kinds, *CLUSTER]
        return f"unknown key{nearest(key, known) or '; use one of ' + ', '.join(sorted(known))}"
    if key == "max_runtime":
        return no_time(value)
    if kinds[key] is bool:
        return None if isinstance(value, bool) else f"neither true nor false (given: {value!r})"
    if kinds[key] in (int, float):
        number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        return None if number else f"no number from 0 up (given: {value!r})"
    words = isinstance(value, list) and all(isinstance(word, str) for word in value)
    return None if words else f"no list of names (given: {value!r})"


def no_time(value: Any) -> str | None:
    """Return what is wrong with a time limit, or None."""
    from snakemake_executor_plugin_slurm.utils import parse_time_to_minutes

    try:
        parse_time_to_minutes(value)
    except Exception:
        return f"no time; write minutes or 2-12:00:00 (given: {value!r})"
    return None
