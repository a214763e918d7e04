"""What a report shows of files that no rule declares: it is what stood there when it was made.

Nothing is remade because of them, and verify takes them from the report that it checks.
"""

import csv
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slmrag.files import read_json
from slmrag.folder_names import entry_name
from slmrag.reporting import job_alerts


@dataclass(frozen=True)
class Observed:
    """The alerts that jobs raised, and the seconds that each corpus/retriever's index took."""

    alerts: list[Mapping[str, str]] = field(default_factory=list)
    index_seconds: Mapping[str, float] = field(default_factory=dict)


def look(results: Path, indexes: Iterable[str | Path]) -> Observed:
    """Read the events of an experiment's jobs, and Snakemake's benchmarks of the indexes' jobs."""
    seconds = {index_name(folder): build_seconds(Path(folder)) for folder in indexes}
    known = {index: value for index, value in seconds.items() if value is not None}
    return Observed(job_alerts.read(results / "jobs"), known)


def written(analysis: str | Path) -> Observed:
    """Return what a report's analysis.json says of them."""
    found: Mapping[str, Any] = read_json(analysis)
    rows = found.get("indexes", ())
    seconds = {f"{row['corpus']}/{row['retriever']}": row["seconds"] for row in rows}
    known = {index: value for index, value in seconds.items() if value is not None}
    return Observed(list(found.get("job-alerts", ())), known)


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
