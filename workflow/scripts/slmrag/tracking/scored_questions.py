"""Which prepared data set a file of scores is of."""

from contextlib import suppress
from typing import Any

from slmrag.files import read_json
from slmrag.job.events import Event


def scored_questions(event: Event) -> dict[str, Any] | None:
    """Return name, SHA-256 and rows of the data set that an artifact's summary of scores is of.

    None if the artifact is no such summary, or does not say; the digest names the prepared file.
    """
    if event["name"].partition("/")[0] != "summaries":
        return None
    summary: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        summary = read_json(event["path"])
    name, digest = summary.get("dataset"), (summary.get("sources") or {}).get("questions")
    return {"name": name, "sha256": digest, "rows": summary.get("n")} if name and digest else None
