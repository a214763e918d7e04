"""Records of jobs that no rule declares as input: alerts, build times, config, versions.

They are as they were when the report was made: they never cause a rerun, and verify reads them
from the report that it checks.
"""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from slmrag.config.folder_names import entry_name
from slmrag.config.redaction import redact_values
from slmrag.files import read_json
from slmrag.job.events import read_events

REPORT_LIBRARIES = ("numpy", "polars", "scipy")
RECORDED_VERSIONS = ("code", "report")
"""The rows of the table of versions that come from here."""


@dataclass(frozen=True)
class JobRecords:
    """Alerts of jobs, seconds to build the index of each corpus/retriever, config, versions.

    ``config`` is the whole config without its secrets, empty where it is not known; ``versions``
    are rows (what, name, value) on the workflow's code and on what made the report.
    """

    alerts: Sequence[Mapping[str, str]] = field(default_factory=list)
    index_seconds: Mapping[str, float] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    versions: Sequence[Mapping[str, str]] = ()


def read_job_records(
    results: Path,
    indexes: Iterable[str | Path],
    config: Mapping[str, Any],
    code: Mapping[str, Any],
) -> JobRecords:
    """Read the events of an experiment's jobs, and Snakemake's benchmarks of the indexes' jobs.

    ``code`` is the commit of the workflow and whether it is dirty, or empty.
    """
    seconds = {index_name(folder): build_seconds(Path(folder)) for folder in indexes}
    known = {index: value for index, value in seconds.items() if value is not None}
    return JobRecords(
        read_alerts(results / "jobs"), known, redact_values(config), report_versions(code)
    )


def read_saved_records(report: Any) -> JobRecords:
    """Return the records that are saved in a report's analysis.json and config.yaml."""
    import yaml

    found: Mapping[str, Any] = read_json(report.analysis)
    rows = found.get("indexes", ())
    seconds = {f"{row['corpus']}/{row['retriever']}": row["seconds"] for row in rows}
    known = {index: value for index, value in seconds.items() if value is not None}
    config = yaml.safe_load(Path(report.config).read_text(encoding="utf-8")) or {}
    versions = [row for row in found.get("versions", ()) if row["what"] in RECORDED_VERSIONS]
    return JobRecords(found.get("job-alerts", ()), known, config, versions)


def report_versions(code: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the rows on the code's commit and on the libraries that made the report's numbers."""
    commit = code.get("commit") or "not known: the code is no git clone, or git did not answer"
    edited = "yes" if code.get("dirty") else "no" if code.get("commit") else "not known"
    python = ".".join(map(str, sys.version_info[:3]))
    names = {"python": python} | {name: library_version(name) for name in REPORT_LIBRARIES}
    rows = [("code", "commit", commit), ("code", "edited since the commit", edited)]
    rows += [("report", name, value) for name, value in names.items()]
    return [dict(zip(("what", "name", "value"), row, strict=True)) for row in rows]


def library_version(name: str) -> str:
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
    found = [benchmark_seconds(path) for path in (own, *shards)]
    return None if found[0] is None else sum(filter(None, found))


def benchmark_seconds(path: Path) -> float | None:
    """Return the first run's seconds in a benchmark file, None where there is none."""
    with suppress(OSError, ValueError, KeyError, StopIteration), open(path, newline="") as file:
        return float(next(csv.DictReader(file, delimiter="\t"))["s"])
    return None


def read_alerts(folder: Path) -> list[dict[str, str]]:
    """Return each job's alerts of its last attempt, from its events below ``folder``.

    A truncated line is skipped.
    """
    paths = sorted(folder.rglob("events.jsonl"))
    return [row for path in paths for row in job_alerts(path, path.parent.relative_to(folder))]


def job_alerts(path: Path, job: Path) -> Iterator[dict[str, str]]:
    """Yield one job's alerts."""
    with suppress(OSError):
        for event, _ in read_events(path, having=b'"alert"'):
            if event.get("kind") == "alert":
                name, message = (str(event.get(key, "")) for key in ("name", "message"))
                alert = {"job": str(job), "alert": name, "message": message}
                yield alert | {"time": event_minute(event)}


def event_minute(event: Mapping[str, Any]) -> str:
    """Return the minute of an event, in UTC."""
    with suppress(KeyError, TypeError, ValueError, OverflowError):
        return datetime.fromtimestamp(event["time"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    return ""
