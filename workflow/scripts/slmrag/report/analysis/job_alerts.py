"""The alerts that jobs raised while they ran: limits on time, memory or scores that were passed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slmrag.report.page.tables import Column, Table, table

MARK = b'"alert"'


def read(folder: Path) -> list[dict[str, str]]:
    """Return each job's alerts of its last attempt, from its events below ``folder``.

    No rule declares these files: nothing is remade because of them, and a report shows what stood
    there when it was made. A torn line is passed over.
    """
    paths = sorted(folder.rglob("events.jsonl"))
    return [row for path in paths for row in alerts(path, path.parent.relative_to(folder))]


def alerts(path: Path, job: Path) -> Iterator[dict[str, str]]:
    """Yield one job's alerts."""
    with suppress(OSError), open(path, "rb") as file:
        for line in file:
            event = parsed(line) if MARK in line else {}
            if event.get("kind") == "alert":
                name, message = (str(event.get(key, "")) for key in ("name", "message"))
                yield {"job": str(job), "alert": name, "message": message, "time": when(event)}


def parsed(line: bytes) -> Mapping[str, Any]:
    """Return a line's event, nothing for a torn one."""
    with suppress(ValueError):
        event = json.loads(line)
        return event if isinstance(event, dict) else {}
    return {}


def when(event: Mapping[str, Any]) -> str:
    """Return the minute of an event, in UTC."""
    with suppress(KeyError, TypeError, ValueError, OverflowError):
        return datetime.fromtimestamp(event["time"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    return ""


def table_of(rows: Sequence[Mapping[str, str]]) -> Table:
    """Return the table of alerts."""
    columns = [
        Column("job", "Job"),
        Column("alert", "Alert"),
        Column("message", "What happened", long=True),
        Column("time", "When"),
    ]
    return table("job-alerts", "Alerts that jobs raised while they ran", columns, rows)
