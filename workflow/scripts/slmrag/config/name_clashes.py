"""Entry names that equal the name of a file of another entry or of a job."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slmrag.config.schema import Config

TABLES = ("objects", "corpora", "datasets", "retrievers", "modes", "models")
RULE_SUFFIXES = (".json", ".jsonl", ".parquet", ".log", ".tsv", ".npy")
"""What rules append to an entry's name."""

TEMPORARY_SUFFIXES = (".tmp", ".part", ".lock", ".snakemake_timestamp")
"""Suffixes of temporary files."""

JOB_FILE_NAMES = frozenset({"attempts", "events.jsonl", "memory_usage.json", "reference.json"})
"""Names of files and folders beside the folders of data sets."""


def name_clashes(config: "Config") -> Iterator[str]:
    """Yield a sentence for each name that would collide with a file."""
    for name in config.datasets:
        if name in JOB_FILE_NAMES:
            yield f"datasets.{name}: jobs write a file of this name; choose another name"
    for name in (config.experiment, *filter(None, [config.against])):
        if name.endswith(TEMPORARY_SUFFIXES):
            yield f"experiment: '{name}' has the suffix of a temporary file; choose another name"
    for table in TABLES:
        yield from _table_clashes(table, getattr(config, table))


def case_clashes(config: "Config") -> Iterator[str]:
    """Yield a sentence for names that differ in case only: one folder on some file systems."""
    for table in TABLES:
        first: dict[str, str] = {}
        for name in getattr(config, table):
            other = first.setdefault(name.lower(), name)
            if other != name:
                yield (
                    f"{table}.{name}: differs from '{other}' in case only: the same folder "
                    "on file systems that ignore case (macOS, Windows); rename one"
                )


def _table_clashes(table: str, names: Collection[str]) -> Iterator[str]:
    for name in names:
        if name.endswith(TEMPORARY_SUFFIXES):
            yield f"{table}.{name}: has the suffix of a temporary file; choose another name"
        for suffix in RULE_SUFFIXES:
            if name.endswith(suffix) and name.removesuffix(suffix) in names:
                yield (
                    f"{table}.{name}: is also the name of a file of '{name.removesuffix(suffix)}'; "
                    "rename one"
                )
