"""One self-contained page: text, tables, drawings, style and script in a single file."""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.report.page.tables import Section

TEMPLATES = Path(__file__).resolve().parents[4] / "report"


def render_page(
    title: str, lead: Sequence[str], sections: Sequence[Section], data: Mapping[str, Any]
) -> str:
    """Return the HTML of the page; ``data`` are texts for its script, each under its own id.

    The policy in its head lets the page run its own script and reach nothing else.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data"] = data_uri
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html.jinja").render(
        title=title,
        lead=lead,
        sections=sections,
        data=data,
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=csp_digest(script),
    )


def data_uri(text: str) -> str:
    """Return a text as a data URI."""
    return "data:application/yaml;base64," + base64.b64encode(text.encode()).decode()


def csp_digest(script: str) -> str:
    """Return a script's digest as a content security policy wants it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def pack_json(data: Any) -> str:
    """Return data as compressed JSON in base64; equal data give equal texts."""
    raw = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(raw.encode("utf-8", "replace"), 6, mtime=0)).decode()


def pack_bits(values: np.ndarray) -> str:
    """Return booleans (n, k) in base64: one bit each, column by column, padded to whole bytes."""
    return base64.b64encode(np.packbits(values, axis=0).T.tobytes()).decode()
