"""What a report shows of what no rule declares: it is what stood there when it was made.

Nothing is remade because of it, and verify takes it from the report that it checks.
"""

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from slmrag.config.folder_names import entry_name
from slmrag.config.redaction import clean
from slmrag.files import read_json
from slmrag.report.analysis import job_alerts

LIBRARIES = ("numpy", "polars", "scipy")
TOLD = ("code", "report")
"""The rows of the table of versions that no rule declares."""


@dataclass(frozen=True)
class Observed:
    """Alerts that jobs raised, seconds that each corpus/retriever's index took, config, versions.

    ``config`` is the whole config without its secrets, empty where it is not known; ``versions``
    are rows (what, name, value) on the workflow's code and on what made the report.
    """

    alerts: list[Mapping[str, str]] = field(default_factory=list)
    index_seconds: Mapping[str, float] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    versions: Sequence[Mapping[str, str]] = ()


def look(
    results: Path,
    indexes: Iterable[str | Path],
    config: Mapping[str, Any],
    code: Mapping[str, Any],
) -> Observed:
    """Read the events of an experiment's jobs, and Snakemake's benchmarks of the indexes' jobs.

    ``code`` is the commit of the workflow and whether it is dirty, or empty.
    """
    seconds = {index_name(folder): build_seconds(Path(folder)) for folder in indexes}
    known = {index: value for index, value in seconds.items() if value is not None}
    return Observed(job_alerts.read(results / "jobs"), known, clean(config), versions(code))


def written(report: Any) -> Observed:
    """Return what a report's analysis.json and config.yaml say of it."""
    import yaml

    found: Mapping[str, Any] = read_json(report.analysis)
    rows = found.get("indexes", ())
    seconds = {f"{row['corpus']}/{row['retriever']}": row["seconds"] for row in rows}
    known = {index: value for index, value in seconds.items() if value is not None}
    config = yaml.safe_load(Path(report.config).read_text(encoding="utf-8")) or {}
    told = [row for row in found.get("versions", ()) if row["what"] in TOLD]
    return Observed(list(found.get("job-alerts", ())), known, config, told)


def versions(code: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the rows on the code's commit and on the libraries that made the report's numbers."""
    commit = code.get("commit") or "not known: the code is no git clone, or git did not answer"
    edited = "yes" if code.get("dirty") else "no" if code.get("commit") else "not known"
    python = ".".join(map(str, sys.version_info[:3]))
    names = {"python": python} | {name: library(name) for name in LIBRARIES}
    rows = [("code", "commit", commit), ("code", "edited since the commit", edited)]
    rows += [("report", name, value) for name, value in names.items()]
    return [dict(zip(("what", "name", "value"), row, strict=True)) for row in rows]


def library(name: str) -> str:
    """Return a library's version."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def index_name(folder: str | Path) -> str:
    """Return corpus/retriever of an index's folder."""
    return "/".join(map(entry_name, Path(folder).parts[-2:]))


def build_seconds(folder: Path) -> float | None:
    """Return the seconds of the jobs that made an index, its vectors' shards summed up."""
    times, index = Path(*folder.parts[:-4], "benchmarks"), Path(*folder.parts[-2:])
    own = times / "index_passages" / f"{index}.tsv"
    shards = sorted((times / "encode_passages" / index).glob("*.tsv"))
    found = [seconds(path) for path in (own, *shards)]
    return None if found[0] is None else sum(filter(None, found))


def seconds(path: Path) -> float | None:
    """Return the first run's seconds in a benchmark file, None where there is none."""
    with suppress(OSError, ValueError, KeyError, StopIteration), open(path, newline="") as file:
        return float(next(csv.DictReader(file, delimiter="\t"))["s"])
    return None
