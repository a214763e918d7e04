"""One self-contained page: text, tables, drawings, style and script in a single file."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slmrag.report.page.sections import Section

HERE = Path(__file__).resolve().parents[4] / "report"


def page(
    title: str, lead: Sequence[str], sections: Sequence[Section], data: Mapping[str, Any]
) -> str:
    """Return the HTML of the page; ``data`` are texts for its script, each under its own id.

    The policy in its head lets the page run its own script and reach nothing else.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data"] = address
    script = (HERE / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html.jinja").render(
        title=title,
        lead=lead,
        sections=sections,
        data=data,
        style=(HERE / "report.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=digest(script),
    )


def address(text: str) -> str:
    """Return a text as an address that holds it."""
    return "data:application/yaml;base64," + base64.b64encode(text.encode()).decode()


def digest(script: str) -> str:
    """Return a script's digest as a content security policy wants it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
