"""The prompt templates behind an experiment: who uses which, its digest and its text."""

from collections.abc import Iterator, Mapping
from typing import Any

from slmrag.config.redaction import clean_text
from slmrag.prompts.template import prompt_digest
from slmrag.report.analysis.experiment import Experiment
from slmrag.report.page.tables import Column, Table, table

SHORT = 12
UNKNOWN = "not known: no question was asked"


def digests(experiment: Experiment) -> dict[str, str]:
    """Return the digest of each mode's template, shortened; all of them where there are several."""
    found = experiment.mode_templates
    short = {mode: [prompt_digest(t)[:SHORT] for t in texts] for mode, texts in found.items()}
    return {mode: ", ".join(own) or UNKNOWN for mode, own in short.items()}


def rows(experiment: Experiment) -> list[dict[str, Any]]:
    """Return one row a use of a template: what uses it, its path, digest and text."""
    return [
        {
            "what": what,
            "name": path,
            "value": UNKNOWN if text is None else prompt_digest(text),
            "text": None if text is None else clean_text(text),
        }
        for what, path, text in uses(experiment)
    ]


def uses(experiment: Experiment) -> Iterator[tuple[str, str, str | None]]:
    """Yield user, path and text of each template: the modes', models' and the judge's."""
    modes: Mapping[str, Any] = experiment.observed.config.get("modes", {})
    for mode, texts in experiment.mode_templates.items():
        path = modes.get(mode, {}).get("prompt", "")
        yield from ((f"modes.{mode}", path, text) for text in texts or [None])
    for user, path in experiment.templates.items():
        yield user, str(path), path.read_text(encoding="utf-8")


def table_of(experiment: Experiment) -> Table:
    """Return the table of templates."""
    columns = [
        Column("what", "Used by"),
        Column("name", "Path"),
        Column("value", "SHA-256"),
        Column("text", "Text", long=True),
    ]
    return table("templates", "Templates of the prompts", columns, rows(experiment))


def modes_table(experiment: Experiment) -> Table:
    """Return the table of modes: what tells each from the others."""
    columns = [
        Column("mode", "Mode"),
        Column("context", "Context"),
        Column("retriever", "Retriever"),
        Column("passages", "Passages", "count"),
        Column("template", "Template"),
        Column("digest", "Its SHA-256"),
    ]
    short, config = digests(experiment), experiment.observed.config.get("modes", {})
    found = [
        {
            "mode": name,
            **entry,
            "template": config.get(name, {}).get("prompt"),
            "digest": short[name],
        }
        for name, entry in experiment.modes.items()
    ]
    return table("modes", "Modes", columns, found)
